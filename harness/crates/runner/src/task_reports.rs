//! The tasks of a trial in its report.

use hourglass_proto::messages::parse_task_hash;
use hourglass_timeline::{Event, TaskPhases, phases};

use super::{
    verdict::TaskReport,
    world::{TrackedTask, World},
};

/// The tasks that steps have created, without data that needs requests.
pub(super) fn of_world(world: &World) -> Vec<TaskReport> {
    let tasks = world.all_tasks().into_iter();
    let report = |task: TrackedTask| TaskReport {
        alias: task.alias,
        hash: format!("{:?}", task.record.task),
        chain: task.chain.to_string(),
        status: "unknown".to_owned(),
        // Filled in when every log has been read to its end.
        phases: TaskPhases::default(),
    };
    tasks.map(report).collect()
}

/// Asks the mailboxes for the status of each task, in the order of [`of_world`].
pub(super) async fn note_statuses(world: &World, reports: &mut [TaskReport]) {
    for (report, task) in reports.iter_mut().zip(world.all_tasks()) {
        if let Ok(status) = world.environment.chain(task.chain).task_status(task.record.task).await {
            report.status = format!("{status:?}").to_lowercase();
        }
    }
}

/// Fills in when each task reached which stage.
pub(super) fn fill_phases(tasks: &mut [TaskReport], events: &[Event]) {
    for task in tasks {
        if let Some(hash) = parse_task_hash(&task.hash) {
            task.phases = phases(events, hash);
        }
    }
}
