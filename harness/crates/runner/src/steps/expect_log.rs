//! `expect_log`.

use std::time::Duration;

use hourglass_component::{
    chain::{ChainError, ContractLog},
    timeout::timeout,
};
use hourglass_scenario::{ExpectLog, Step};

use super::{RunStep, unmet};
use crate::{
    failure::{EnvironmentError, StepFailure},
    world::World,
};

/// How many of the logs that do not fit are shown, the newest ones.
const SHOWN: usize = 5;

impl RunStep for ExpectLog {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let environment = &world.environment;
        let address_of = |name: &str| environment.address_of(name);
        // Loading has made sure that these exist.
        let unknown = |name: &str| EnvironmentError::Unsupported(format!("nothing is called `{name}`"));
        let contract = address_of(&self.contract).or_else(|| self.contract.parse().ok());
        let contract = contract.ok_or_else(|| unknown(&self.contract))?;
        let (event, values) = self.read(&address_of).ok_or_else(|| unknown(&self.event))?;
        let client = environment.chain(self.chain).client();
        let since = environment.start_of(self.chain) + 1;
        let wanted = self.count as usize;
        let is_met = |log: &ContractLog| values.as_ref().is_none_or(|values| values.is_met_by(log));
        let mut seen = Vec::new();
        let mut heads = client.heads();
        let come = async {
            loop {
                heads.borrow_and_update();
                seen = client.contract_logs(contract, &event, since).await?;
                // No further head comes from a client that is closed.
                if seen.iter().filter(|log| is_met(log)).count() >= wanted || heads.changed().await.is_err() {
                    return Ok::<_, ChainError>(());
                }
            }
        };
        let within = Duration::from(self.within);
        if let Ok(done) = timeout(within, come).await {
            done?;
        }
        let met = seen.iter().filter(|log| is_met(log)).count();
        if met >= wanted {
            return Ok(());
        }
        let times = if wanted == 1 { String::new() } else { format!(" {wanted} times") };
        let values = self.values.as_deref().unwrap_or_default().join(", ");
        let values = if values.is_empty() { String::new() } else { format!(" with {values}") };
        let within = humantime::format_duration(within);
        let expected = format!("{event} of {} on {}{values}{times} within {within}", self.contract, self.chain);
        let newest = seen.iter().rev().filter(|log| !is_met(log)).take(SHOWN).map(|log| format!("; not {log}"));
        let seen = format!("{met} of them{}", newest.collect::<String>());
        Err(unmet(world, step, expected, seen, None))
    }
}
