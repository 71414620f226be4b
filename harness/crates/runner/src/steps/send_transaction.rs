//! `send_transaction`.

use hourglass_component::chain::SendError;
use hourglass_scenario::{SendTransaction, Step};

use super::{RunStep, contract, is_error, unmet};
use crate::{
    failure::{EnvironmentError, StepFailure},
    world::World,
};

impl RunStep for SendTransaction {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let environment = &world.environment;
        let address_of = |name: &str| environment.address_of(name);
        let to = contract(world, &self.to)?;
        let key = environment.accounts.named(&self.from).ok_or_else(|| EnvironmentError::unknown(&self.from))?;
        let hashed = self.with_task_hashes(&|task| world.hash_of(task));
        let data = hashed.data(&address_of).ok_or_else(|| EnvironmentError::unknown(&self.function))?;
        let client = environment.chain(self.chain).client();
        let must =
            self.reverts_with.as_ref().map_or_else(|| "succeeds".to_owned(), |error| format!("reverts with {error}"));
        let expected = format!("{} of {} on {}, sent by {}, {must}", self.function, self.to, self.chain, self.from);
        // Any transaction to an address without a contract succeeds.
        if !client.has_code(to).await? {
            return Err(unmet(world, step, expected, format!("no contract is at {to:?} on {}", self.chain), None));
        }
        let what = format!("call {} of {}", self.function, self.to);
        let sent = client.account(key).send(client, &what, to, data.into()).await;
        let seen = match (sent, &self.reverts_with) {
            (Ok(_), None) => return Ok(()),
            (Err(SendError::Reverted { error, .. }), Some(expected)) if is_error(&error, expected) => return Ok(()),
            (Ok(receipt), Some(_)) => format!("it succeeded in block {}", receipt.block_number.unwrap_or_default()),
            (Err(SendError::Reverted { error, .. }), _) => format!("reverted with {error}"),
            (Err(error @ SendError::Chain(_)), _) => return Err(error.into()),
        };
        Err(unmet(world, step, expected, seen, None))
    }
}
