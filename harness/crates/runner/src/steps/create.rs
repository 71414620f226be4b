//! `create_task`.

use futures::{StreamExt as _, TryStreamExt as _};
use hourglass_chain::NewTask;
use hourglass_scenario::CreateTask;

use crate::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

/// Transactions under way at once: enough to fill a block, few enough not to look like an attack on the node.
const AT_ONCE: usize = 32;

pub(super) async fn run(world: &World, create: &CreateTask) -> Result<(), StepFailure> {
    let chain = world.environment.chain(create.chain);
    let task = NewTask { set: world.environment.executor_set(), payload: create.payload_bytes() };
    let tasks = futures::stream::iter(0..create.count)
        .map(|_| async {
            let record = chain.create_task(&world.environment.accounts.app, &task).await?;
            Ok::<_, StepFailure>(TrackedTask { alias: create.alias.clone(), chain: create.chain, record })
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    world.track(&create.alias, tasks);
    Ok(())
}
