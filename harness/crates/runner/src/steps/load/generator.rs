//! Creates the tasks of a load when they are due, and waits for the end of each.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_base::age;
use hourglass_chain::NewTask;
use hourglass_component::{causes::with_causes, keys::H256, timeout::timeout};
use hourglass_load::{
    ends::Ends,
    record::{Creation, LoadEvent, LoadRecord},
    schedule::{DueTask, Schedule},
    share::Share,
};
use hourglass_scenario::{Load, LoadPayload};
use hourglass_timeline::{Event, Timeline};
use jiff::Timestamp;
use tokio::time::Instant;

use super::ends;
use crate::world::{TrackedTask, World};

/// A task of a load that is on its chain.
#[derive(Debug)]
pub(super) struct Created {
    pub(super) task: TrackedTask,
    /// Its index, from 0, in the order in which tasks were due.
    pub(super) index: u64,
    /// Which of the payloads it has.
    pub(super) payload: usize,
    /// When it was due.
    pub(super) due: Timestamp,
}

/// Runs the load until each of its tasks has ended or has had its time; returns those that were created, in the order
/// in which they were due. All futures are polled here: if this is dropped, nothing is sent any more.
pub(super) async fn run(load: &Load, world: &World) -> Vec<Created> {
    let from = world.environment.timeline.read(<[Event]>::len);
    let (schedule, begun) = (Schedule::of(load, Share::ALL), Timestamp::now());
    let generator =
        Generator { load, world, begun, payloads: load.payloads(), ends: Ends::default(), created: Mutex::default() };
    tokio::select! {
        biased;
        () = schedule.run(Instant::now(), |task| generator.one(task)) => {}
        never = ends::follow(&generator.ends, world, from) => match never {},
    }
    let mut created = generator.created.into_inner().unwrap_or_else(PoisonError::into_inner);
    created.sort_unstable_by_key(|created| created.index);
    created
}

struct Generator<'a> {
    load: &'a Load,
    world: &'a World,
    begun: Timestamp,
    payloads: Vec<LoadPayload>,
    ends: Ends,
    created: Mutex<Vec<Created>>,
}

impl Generator<'_> {
    /// Creates one task and waits until it has ended, or until its time is up.
    async fn one(&self, DueTask { index, payload, due }: DueTask) {
        let Self { load, world, .. } = self;
        let sent = Timestamp::now();
        let due = due.map_or(sent, |due| self.begun + due);
        let within = Duration::from(load.within);
        let left = || within.saturating_sub(age(due, Timestamp::now()));
        let note = Note { timeline: &world.environment.timeline, load, index, payload, due, sent, is_written: false };
        let new = NewTask { set: world.environment.executor_set(), payload: self.payloads[payload].payload_bytes() };
        let chain = world.environment.chain(load.chain);
        let record = match timeout(left(), chain.create_task(&world.environment.accounts.app, &new)).await {
            Ok(Ok(record)) => record,
            Ok(Err(error)) => return note.write(Creation::Refused, None, Some(with_causes(&error))),
            Err(_) => {
                let reason = format!("not mined within {}", humantime::format_duration(within));
                return note.write(Creation::Unanswered, None, Some(reason));
            }
        };
        let hash = record.task;
        note.write(Creation::Created, Some(hash), None);
        let task = TrackedTask { alias: load.alias.clone(), chain: load.chain, avs: None, record };
        world.track_further(task.clone());
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(Created { task, index, payload, due });
        // Whether it has ended in time is judged when all have.
        let _ = timeout(left(), self.ends.of(hash)).await;
    }
}

/// The entry about a task that was sent. It is written whatever happens: when this is dropped, the load has ended before the
/// answer.
struct Note<'a> {
    timeline: &'a Timeline,
    load: &'a Load,
    index: u64,
    payload: usize,
    due: Timestamp,
    sent: Timestamp,
    is_written: bool,
}

impl Note<'_> {
    fn write(mut self, creation: Creation, task: Option<H256>, reason: Option<String>) {
        self.record(creation, task, reason);
    }

    fn record(&mut self, creation: Creation, task: Option<H256>, reason: Option<String>) {
        self.is_written = true;
        let Self { index, payload, due, sent, .. } = *self;
        let what = LoadEvent::Sent { index, payload, due, sent, creation, reason, worker: None };
        self.timeline.record(LoadRecord { alias: self.load.alias.clone(), what }.event(task));
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            self.record(Creation::Unanswered, None, Some("the load ended before the answer".to_owned()));
        }
    }
}
