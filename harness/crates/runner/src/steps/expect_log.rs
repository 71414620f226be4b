//! `expect_log`.

use std::{collections::VecDeque, iter, time::Duration};

use hourglass_component::{
    chain::{ChainError, ContractLog},
    timeout::timeout,
};
use hourglass_scenario::{ExpectLog, Step};

use super::{RunStep, contract, unmet};
use crate::{
    failure::{EnvironmentError, StepFailure},
    world::World,
};

/// How many of the logs that do not fit are shown, the newest ones.
const SHOWN: usize = 5;

impl RunStep for ExpectLog {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let environment = &world.environment;
        let at = contract(world, &self.contract)?;
        let hashed = self.with_task_hashes(&|task| world.hash_of(task));
        let read = hashed.read(&|name| environment.address_of(name));
        let (event, values) = read.ok_or_else(|| EnvironmentError::unknown(&self.event))?;
        let client = environment.chain(self.chain).client();
        let wanted = self.count as usize;
        let (mut met, mut others) = (0, VecDeque::new());
        let mut next = environment.start_of(self.chain) + 1;
        let mut heads = client.heads();
        // Each block is read once: a load leaves thousands of them.
        let come = async {
            loop {
                let head = heads.borrow_and_update().number;
                let logs = if next > head { Vec::new() } else { client.contract_logs(at, &event, next, head).await? };
                next = next.max(head + 1);
                let (fitting, other): (Vec<ContractLog>, Vec<_>) =
                    logs.into_iter().partition(|log| values.as_ref().is_none_or(|values| values.is_met_by(log)));
                met += fitting.len();
                others.extend(other);
                others.drain(..others.len().saturating_sub(SHOWN));
                // No further head comes from a client that is closed.
                if met >= wanted || heads.changed().await.is_err() {
                    return Ok::<_, ChainError>(());
                }
            }
        };
        let within = Duration::from(self.within);
        if let Ok(done) = timeout(within, come).await {
            done?;
        }
        if met >= wanted {
            return Ok(());
        }
        let times = if wanted == 1 { String::new() } else { format!(" {wanted} times") };
        let values = self.values.as_deref().unwrap_or_default().join(", ");
        let values = if values.is_empty() { String::new() } else { format!(" with {values}") };
        let within = humantime::format_duration(within);
        let expected = format!("{event} of {} on {}{values}{times} within {within}", self.contract, self.chain);
        let seen = iter::once(format!("{met} of them")).chain(others.iter().rev().map(|log| format!("not {log}")));
        Err(unmet(world, step, expected, seen.collect::<Vec<_>>().join("; "), None))
    }
}
