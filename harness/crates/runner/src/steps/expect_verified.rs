//! `expect_verified`.

use std::{collections::HashSet, time::Duration};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_scenario::{ExpectVerified, Step};
use hourglass_timeline::{Event, Source};

use super::{RunStep, unmet};
use crate::{
    failure::StepFailure,
    judge::judge,
    no_quorum,
    world::{TrackedTask, World},
};

impl RunStep for ExpectVerified {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let tasks = world.tasks(&self.task);
        let within = Duration::from(self.within);
        let mut missing: HashSet<H256> = tasks.iter().map(|task| task.record.task).collect();
        let mut seen = 0;
        // Each entry is checked once, however many tasks there are.
        let all = |events: &[Event]| {
            for event in &events[seen..] {
                if event.event == Some(TaskEvent::TaskVerified) && matches!(event.source, Source::Chain(_)) {
                    event.task_hash.map(|task| missing.remove(&task));
                }
            }
            let new = seen..events.len();
            seen = events.len();
            match no_quorum::of_any(&events[new], &missing, seen, world) {
                _ if missing.is_empty() => Some(Ok(())),
                Some(task) => Some(Err(task)),
                None => None,
            }
        };
        match world.wait_until(within, all).await {
            Some(Ok(())) => {}
            Some(Err(lost)) => return Err(out_of_reach(world, step, &tasks, lost)),
            None => return Err(timed_out(world, step, &tasks, &missing, within).await?),
        }
        // All belong to one step and so to one chain.
        let Some(chain) = tasks.first().map(|task| task.chain) else { return Ok(()) };
        let view = world.view(chain).await?;
        let statuses = view.statuses(&tasks).await?;
        for (task, status) in tasks.iter().zip(statuses) {
            if let Some(finding) = judge(world, self, task, status, view.verified(task)) {
                let hash = Some(task.record.task);
                return Err(unmet(world, step, finding.expected, finding.seen, hash));
            }
        }
        Ok(())
    }
}

/// The aggregator has given a task up: no later event would verify it.
fn out_of_reach(world: &World, step: &Step, tasks: &[TrackedTask], lost: H256) -> StepFailure {
    let alias = tasks.iter().find(|task| task.record.task == lost).map_or("task", |task| task.alias.as_str());
    let expected = format!("task `{alias}` verified");
    let seen = no_quorum::describe(world, lost);
    unmet(world, step, expected, seen, Some(lost))
}

async fn timed_out(
    world: &World,
    step: &Step,
    tasks: &[TrackedTask],
    missing: &HashSet<H256>,
    within: Duration,
) -> Result<StepFailure, StepFailure> {
    let within = humantime::format_duration(within);
    let expected = match tasks {
        [task] => format!("task `{}` verified within {within}", task.alias),
        _ => format!("{} tasks verified within {within}", tasks.len()),
    };
    let Some(first) = tasks.iter().find(|task| missing.contains(&task.record.task)) else {
        let seen = "the last was verified when time ran out";
        return Ok(unmet(world, step, expected, seen, None));
    };
    let status = world.status(first).await?;
    let hash = first.record.task;
    let last = world.environment.timeline.read(|events| {
        let about = events.iter().rev().find(|event| event.task_hash == Some(hash) && event.event.is_some());
        about.and_then(|event| Some(format!("; the last event is {} of {}", event.event?, event.source)))
    });
    let seen = match tasks {
        [_] => format!("status {status:?}{}", last.unwrap_or_default()),
        _ => format!("{} are not; the first of them has status {status:?}{}", missing.len(), last.unwrap_or_default()),
    };
    Ok(unmet(world, step, expected, seen, Some(hash)))
}
