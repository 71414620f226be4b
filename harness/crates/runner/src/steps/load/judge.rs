//! Judges the tasks of a load when all have ended or have had their time, and records those that did not end as they must.

use std::{collections::HashMap, time::Duration};

use hourglass_base::age;
use hourglass_component::{chain::TaskStatus, keys::H256};
use hourglass_load::record::{LoadEvent, LoadRecord, Missed};
use hourglass_scenario::{ExpectVerified, Load, LoadPayload};
use hourglass_timeline::{Event, times_by_task};
use jiff::Timestamp;

use super::generator::Created;
use crate::{
    failure::StepFailure,
    judge::{self, Finding},
    world::World,
};

/// Judges each task, and records those that are not verified in time, or wrongly.
pub(super) async fn judge(load: &Load, world: &World, created: &[Created]) -> Result<(), StepFailure> {
    let seen = seen(load, world, created).await;
    let view = world.view(load.chain).await?;
    let tasks: Vec<_> = created.iter().map(|one| one.task.clone()).collect();
    let statuses = view.statuses(&tasks).await?;
    let expectations: Vec<_> = load.payloads().into_iter().map(|payload| expectation(load, payload)).collect();
    for (one, status) in created.iter().zip(statuses) {
        let finding = || judge::judge(world, &expectations[one.payload], &one.task, status, view.verified(&one.task));
        if let Some((how, seen)) = missed(load, one, status, &seen, finding) {
            let record = LoadRecord { alias: load.alias.clone(), what: LoadEvent::Missed { how, seen } };
            world.environment.timeline.record(record.event(Some(one.task.record.task)));
        }
    }
    Ok(())
}

/// What the timeline tells of the tasks.
struct Seen {
    verified: HashMap<H256, Timestamp>,
    /// The last event of each task that is not verified.
    last: HashMap<H256, String>,
}

/// Reads the timeline. If a task is not verified by now, every source is asked once more: what has happened counts,
/// whenever it is reported.
async fn seen(load: &Load, world: &World, created: &[Created]) -> Seen {
    let read = |events: &[Event]| {
        let times = times_by_task(events).into_iter();
        times.filter_map(|(task, times)| Some((task, times.verified()?))).collect::<HashMap<_, _>>()
    };
    let timeline = &world.environment.timeline;
    let mut verified = timeline.read(read);
    if !created.iter().all(|one| verified.contains_key(&one.task.record.task)) {
        tracing::debug!(load = load.alias, "some tasks are not verified yet: sources are asked once more");
        let all = |events: &[Event]| {
            verified = read(events);
            created.iter().all(|one| verified.contains_key(&one.task.record.task)).then_some(())
        };
        world.wait_until(Duration::ZERO, all).await;
    }
    let last = timeline.read(|events| {
        let about = events.iter().filter_map(|event| Some((event.task_hash?, event.event?, &event.source)));
        let open = about.filter(|(task, ..)| !verified.contains_key(task));
        open.map(|(task, event, source)| (task, format!("{event} of {source}"))).collect()
    });
    Seen { verified, last }
}

/// How the task did not end as it must, and what was seen; `None` if it did. `finding` judges a task that was verified in
/// time.
fn missed(
    load: &Load,
    one: &Created,
    status: TaskStatus,
    seen: &Seen,
    finding: impl Fn() -> Option<Finding>,
) -> Option<(Missed, String)> {
    let hash = one.task.record.task;
    let Some(verified) = seen.verified.get(&hash) else {
        let last = seen.last.get(&hash).map(|last| format!("; the last event is {last}")).unwrap_or_default();
        let how = if status == TaskStatus::Expired { Missed::Expired } else { Missed::NotVerified };
        return Some((how, format!("status {status:?}{last}")));
    };
    let took = age(one.due, *verified);
    if took > Duration::from(load.within) {
        return Some((Missed::NotVerified, format!("verified only after {:.1} s", took.as_secs_f64())));
    }
    finding().map(|finding| (Missed::Wrong, format!("{} instead of {}", finding.seen, finding.expected)))
}

fn expectation(load: &Load, payload: LoadPayload) -> ExpectVerified {
    ExpectVerified {
        task: load.alias.clone(),
        result: payload.result,
        result_hex: payload.result_hex,
        result_abi: None,
        result_json: None,
        result_matches: None,
        signed_by: Vec::new(),
        not_signed_by: Vec::new(),
        within: load.within,
    }
}
