//! `remove_performer`.

use std::time::Duration;

use hourglass_runtime::{ListedPerformer, Refusal};
use hourglass_scenario::{RemovePerformer, Step};

use super::{RunStep, unmet};
use crate::{failure::StepFailure, world::World};

impl RunStep for RemovePerformer {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let within = Duration::from(self.within);
        let management = world.management(&self.operator).await?;
        let removed: Result<Result<(), String>, Refusal> = async {
            let named = self.performer.as_ref().and_then(|alias| world.performer(alias));
            let id = match named {
                Some(id) => Some(id),
                None => management.list().await?.into_iter().find(ListedPerformer::is_in_service).map(|it| it.id),
            };
            let Some(id) = id else { return Ok(Err("its executor has no performer in service".to_owned())) };
            management.remove(&id, within).await?;
            let gone = |listed: &[ListedPerformer]| listed.iter().all(|performer| performer.id != id).then_some(());
            Ok(management.wait_until(within, gone).await)
        }
        .await;
        let seen = match (removed, self.expect_refused) {
            (Err(refusal), Some(code)) if refusal.has(code) => return Ok(()),
            (Ok(Ok(())), None) => return Ok(()),
            (Err(refusal), _) => refusal.described(),
            (Ok(Err(seen)), _) => seen,
            (Ok(Ok(())), Some(_)) => "the performer was removed".to_owned(),
        };
        let which = self.performer.as_deref().unwrap_or("in service");
        let until = self.expect_refused.map_or_else(|| "done".to_owned(), |code| format!("refused with {code}"));
        let within = humantime::format_duration(within);
        let expected = format!("the removal of the performer {which} of {} {until} within {within}", self.operator);
        Err(unmet(world, step, expected, seen, None))
    }
}
