//! `create_task`.

use futures::{StreamExt as _, TryStreamExt as _};
use hourglass_chain::NewTask;
use hourglass_scenario::{CreateTask, Step};

use super::RunStep;
use crate::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

/// Concurrent transactions: those that arrive while the node makes a block come into the next one together.
const AT_ONCE: usize = 1024;

impl RunStep for CreateTask {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        let chain = world.environment.chain(self.chain);
        let set = world.environment.executor_set_of(self.avs.as_deref())?;
        let task = NewTask { set, payload: self.payload_bytes() };
        let tasks = futures::stream::iter(0..self.count)
            .map(|_| async {
                let record = chain.create_task(&world.environment.accounts.app, &task).await?;
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
