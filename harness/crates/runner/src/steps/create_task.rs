//! `create_task`.

use futures::{StreamExt as _, TryStreamExt as _};
use hourglass_chain::NewTask;
use hourglass_component::chain::SendError;
use hourglass_scenario::{CreateTask, Step};

use super::{RunStep, unmet};
use crate::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

/// Concurrent transactions: those that arrive while the node makes a block come into the next one together.
const AT_ONCE: usize = 1024;

impl RunStep for CreateTask {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let chain = world.environment.chain(self.chain);
        let set = world.environment.executor_set_of(self.avs.as_deref())?;
        let task = NewTask { set, payload: self.payload_bytes() };
        let tasks = futures::stream::iter(0..self.count)
            .map(|_| async {
                let created = chain.create_task(&world.environment.accounts.app, &task).await;
                let record = created.map_err(|error| refused(self, world, step, error))?;
                let (alias, avs) = (self.alias.clone(), self.avs.clone());
                Ok::<_, StepFailure>(TrackedTask { alias, chain: self.chain, avs, record })
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        world.track(&self.alias, tasks);
        Ok(())
    }
}

/// What refuses a task is the mailbox, or contracts that the scenario can replace and set: the task hook and the token of fees.
fn refused(create: &CreateTask, world: &World, step: &Step, error: SendError) -> StepFailure {
    match error {
        SendError::Reverted { error, .. } => {
            let expected = format!("createTask for `{}` accepted on {}", create.alias, create.chain);
            unmet(world, step, expected, format!("rejected with {error}"), None)
        }
        error @ SendError::Chain(_) => error.into(),
    }
}
