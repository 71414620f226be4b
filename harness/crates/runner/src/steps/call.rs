//! `call`.

use hourglass_component::chain::ViewAnswer;
use hourglass_scenario::{Call, Step};

use super::{RunStep, unmet};
use crate::{
    failure::{EnvironmentError, StepFailure},
    world::World,
};

impl RunStep for Call {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        // Loading has parsed it before.
        let address_of = |name: &str| world.environment.address_of(name);
        let call = self
            .with_task_hashes(&|task| world.hash_of(task))
            .read(&address_of, &address_of)
            .map_err(|error| EnvironmentError::Unsupported(error.to_string()))?;
        let client = world.environment.chain(self.chain).client();
        let seen = match client.call_view(call.to, &call.function, &call.args).await? {
            ViewAnswer::Values(values) if values == call.expect => return Ok(()),
            ViewAnswer::Values(values) => values.to_string(),
            ViewAnswer::Reverted(error) => format!("reverted with {error}"),
            ViewAnswer::OtherTypes(bytes) if bytes.is_empty() => {
                "nothing was returned, as where there is no contract or no such function".to_owned()
            }
            ViewAnswer::OtherTypes(bytes) => {
                format!("bytes that do not have the types of the signature: 0x{}", hex::encode(bytes))
            }
        };
        let args = if self.args.is_empty() { String::new() } else { format!(" with {}", call.args) };
        let expected = format!("{} of {} on {}{args} returns {}", call.function, self.to, self.chain, call.expect);
        Err(unmet(world, step, expected, seen, None))
    }
}
