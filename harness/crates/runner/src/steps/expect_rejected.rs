//! `expect_rejected`.

use std::time::Duration;

use hourglass_chain::NewTask;
use hourglass_component::{chain::SendError, timeout::timeout};
use hourglass_scenario::{ExpectRejected, Step};

use super::{RunStep, is_error, unmet};
use crate::{failure::StepFailure, world::World};

impl RunStep for ExpectRejected {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let chain = world.environment.chain(self.chain);
        let task = NewTask { set: world.environment.executor_set(), payload: self.payload_bytes() };
        let within = Duration::from(self.within);
        let created = timeout(within, chain.create_task(&world.environment.accounts.app, &task)).await;
        let seen = match created {
            Ok(Err(SendError::Reverted { error, .. })) if is_error(&error, &self.error) => return Ok(()),
            Ok(Err(SendError::Reverted { error, .. })) => format!("rejected with {error}"),
            Ok(Err(error @ SendError::Chain(_))) => return Err(error.into()),
            Ok(Ok(record)) => format!("accepted as task {:?}", record.task),
            Err(_) => format!("no answer within {}", humantime::format_duration(within)),
        };
        let expected = format!("createTask rejected with {}", self.error);
        Err(unmet(world, step, expected, seen, None))
    }
}
