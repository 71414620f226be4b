//! Invariants of the chains, checked while they still run.

use futures::{FutureExt as _, future::BoxFuture};
use hourglass_component::chain::TaskStatus;
use hourglass_runtime::Invariant;

use super::Finding;
use crate::{failure::StepFailure, world::World};

pub(super) const ONE_END: Invariant = Invariant {
    name: "task {} has one end",
    meaning: "Every task that a step created is verified, with exactly one TaskVerified, or expired, with none.",
};

pub(super) fn one_end(world: &World) -> BoxFuture<'_, Result<Vec<Finding>, StepFailure>> {
    async move {
        let mut findings = Vec::new();
        for (chain, tasks) in world.tasks_by_chain() {
            let view = world.view(chain).await?;
            let statuses = view.statuses(&tasks).await?;
            for (task, status) in tasks.iter().zip(statuses) {
                let hash = task.record.task;
                let events = view.verified(task).len();
                let finding = match (status, events) {
                    (TaskStatus::Verified, 1) | (TaskStatus::Expired, 0) => continue,
                    (TaskStatus::Created | TaskStatus::None, _) => {
                        Finding::new("an end: verified or expired", format!("status {status:?}"))
                    }
                    (TaskStatus::Verified, _) => Finding::new("exactly one TaskVerified", format!("{events} of them")),
                    (TaskStatus::Expired, _) => {
                        Finding::new("no TaskVerified for an expired task", format!("{events} of them"))
                    }
                };
                findings.push(finding.about(format!("`{}`", task.alias)).of_task(Some(hash)));
            }
        }
        Ok(findings)
    }
    .boxed()
}
