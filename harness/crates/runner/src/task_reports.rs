//! The tasks of a trial in its report.

use std::collections::BTreeSet;

use hourglass_proto::messages::parse_task_hash;
use hourglass_scenario::Chain;
use hourglass_timeline::{Event, TaskPhases, times_by_task};

use super::{
    verdict::{TaskGas, TaskReport},
    world::{TrackedTask, World},
};

/// The tasks that steps have created, without data that needs requests.
pub(super) fn of_world(world: &World) -> Vec<TaskReport> {
    let tasks = world.all_tasks().into_iter();
    let report = |task: TrackedTask| TaskReport {
        alias: task.alias,
        hash: format!("{:?}", task.record.task),
        avs: task.avs,
        chain: task.chain.to_string(),
        status: "unknown".to_owned(),
        // Filled in when every log has been read to its end.
        phases: TaskPhases::default(),
        gas: TaskGas { created: task.record.gas, verified: None },
    };
    tasks.map(report).collect()
}

/// Asks the mailboxes for the status of each task, in the order of [`of_world`].
pub(super) async fn note_statuses(world: &World, reports: &mut [TaskReport]) {
    for (chain, tasks) in world.tasks_by_chain() {
        let Ok(view) = world.view(chain).await else { continue };
        let statuses = view.known_statuses(&tasks).await;
        for (report, status) in on_chain(reports, chain).zip(statuses) {
            if let Some(status) = status {
                report.status = format!("{status:?}").to_lowercase();
            }
        }
    }
}

/// Asks the chains for the gas of verifying each task, in the order of [`of_world`].
pub(super) async fn note_gas(world: &World, reports: &mut [TaskReport]) {
    for (chain, tasks) in world.tasks_by_chain() {
        let Ok(view) = world.view(chain).await else { continue };
        let blocks: BTreeSet<_> = view.blocks_of_results().collect();
        let Ok(gas) = world.environment.chain(chain).verification_gas(blocks).await else { continue };
        for (report, task) in on_chain(reports, chain).zip(tasks) {
            report.gas.verified = gas.get(&task.record.task).copied();
        }
    }
}

fn on_chain(reports: &mut [TaskReport], chain: Chain) -> impl Iterator<Item = &mut TaskReport> {
    let chain = chain.to_string();
    reports.iter_mut().filter(move |report| report.chain == chain)
}

/// Fills in when each task reached which stage.
pub(super) fn fill_phases(tasks: &mut [TaskReport], events: &[Event]) {
    let times = times_by_task(events);
    for task in tasks {
        if let Some(times) = parse_task_hash(&task.hash).and_then(|hash| times.get(&hash)) {
            task.phases = times.phases();
        }
    }
}
