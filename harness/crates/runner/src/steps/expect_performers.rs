//! `expect_performers`.

use std::{collections::BTreeMap, time::Duration};

use hourglass_runtime::ListedPerformer;
use hourglass_scenario::{ExpectPerformers, PerformerRole, Step};

use super::{RunStep, unmet};
use crate::{failure::StepFailure, world::World};

impl RunStep for ExpectPerformers {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let within = Duration::from(self.within);
        let management = world.management(&self.operator).await?;
        let named: BTreeMap<_, _> = self.performers.keys().map(|name| (name, world.performer(name))).collect();
        let matches = |listed: &[ListedPerformer]| {
            let is_counted = self.count.is_none_or(|count| listed.len() == count);
            let has_role = |(name, role): (&String, &PerformerRole)| {
                let id = named.get(name).and_then(Option::as_ref);
                is(listed.iter().find(|performer| Some(&performer.id) == id), *role)
            };
            (is_counted && self.performers.iter().all(has_role)).then_some(())
        };
        let Err(seen) = management.wait_until(within, matches).await else { return Ok(()) };
        let count =
            self.count.map(|count| if count == 1 { "1 performer".to_owned() } else { format!("{count} performers") });
        let roles = self.performers.iter().map(|(name, role)| match named.get(name).and_then(Option::as_ref) {
            Some(id) => format!("`{name}` ({id}) {role}"),
            None => format!("`{name}` {role}"),
        });
        let expected: Vec<_> = count.into_iter().chain(roles).collect();
        let (operator, within) = (&self.operator, humantime::format_duration(within));
        let expected = format!("the executor of {operator} lists {} within {within}", expected.join(", "));
        Err(unmet(world, step, expected, seen, None))
    }
}

fn is(listed: Option<&ListedPerformer>, role: PerformerRole) -> bool {
    match role {
        PerformerRole::InService => listed.is_some_and(|performer| performer.is_in_service() && performer.is_healthy),
        PerformerRole::Staged => listed.is_some_and(|performer| !performer.is_in_service()),
        PerformerRole::Absent => listed.is_none(),
    }
}
