//! `expect_expired`.

use std::time::Duration;

use hourglass_component::{chain::TaskStatus, events::TaskEvent, timeout::timeout};
use hourglass_scenario::{ExpectExpired, Mining, Step};
use hourglass_timeline::Source;

use super::{RunStep, unmet};
use crate::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

impl RunStep for ExpectExpired {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let within = Duration::from(self.within);
        for task in world.tasks(&self.task) {
            let not_expired = |seen: String| {
                let expected = format!(
                    "task `{}` expired without a result within {}",
                    task.alias,
                    humantime::format_duration(within)
                );
                unmet(world, step, expected, seen, Some(task.record.task))
            };
            // Before the warp, which would hide that the task could have been verified.
            let status = world.status(&task).await?;
            if status == TaskStatus::Verified {
                return Err(not_expired("it was verified".to_owned()));
            }
            match world.scenario.topology.mining {
                Mining::Instant | Mining::Batched => warp_past(world, &task).await?,
                Mining::Interval(_) => {
                    if timeout(within, passes(world, &task)).await.is_err() {
                        let head = world.environment.chain(task.chain).client().head().await?;
                        // If it has passed by now, it passed in time: the head was not announced yet.
                        if head.timestamp <= task.record.deadline {
                            let left = task.record.deadline - head.timestamp;
                            return Err(not_expired(format!("its deadline is {left} s of chain time away")));
                        }
                    }
                }
            }
            let status = world.status(&task).await?;
            if status != TaskStatus::Expired {
                return Err(not_expired(format!("status {status:?}")));
            }
            let verified = world.environment.timeline.read(|events| {
                events.iter().any(|event| {
                    let on_chain = matches!(event.source, Source::Chain(_));
                    on_chain
                        && event.event == Some(TaskEvent::TaskVerified)
                        && event.task_hash == Some(task.record.task)
                })
            });
            if verified {
                return Err(not_expired("TaskVerified was emitted for it".to_owned()));
            }
        }
        Ok(())
    }
}

async fn warp_past(world: &World, task: &TrackedTask) -> Result<(), StepFailure> {
    let chain = world.environment.chain(task.chain);
    let head = chain.client().head().await?;
    // The contract counts a result in the deadline's own second.
    chain.warp_to(head.timestamp.max(task.record.deadline) + 1).await?;
    Ok(())
}

async fn passes(world: &World, task: &TrackedTask) {
    let mut heads = world.environment.chain(task.chain).client().heads();
    // This ends only with the connection; then the time limit ends the wait.
    if heads.wait_for(|head| head.timestamp > task.record.deadline).await.is_err() {
        std::future::pending::<()>().await;
    }
}
