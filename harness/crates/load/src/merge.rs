//! Makes the tasks of a load of the lines that its workers print, and accounts for those of a worker that has ended early.

use std::collections::BTreeMap;

use hourglass_component::keys::H256;
use hourglass_scenario::Load;
use jiff::{SignedDuration, Timestamp};

use crate::{
    record::{Creation, LoadEvent},
    schedule::Schedule,
    share::Share,
    worker::WorkerLine,
};

/// The lines of all workers of a load so far.
#[derive(Debug)]
pub struct Merge {
    /// When the load began.
    start: Timestamp,
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    share: Share,
    schedule: Schedule,
    /// How far its clock is ahead.
    ahead: SignedDuration,
    /// Tasks that it has sent and that are not answered, each with the time when it was sent.
    open: BTreeMap<u64, Timestamp>,
    /// How many tasks it has sent.
    sent: u64,
    is_done: bool,
}

/// What a line or the end of a worker says about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The entry of the timeline.
    pub event: LoadEvent,
    /// The task, if it is on its chain.
    pub created: Option<CreatedTask>,
}

/// A task of a worker that is on its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTask {
    /// Its index in the whole load.
    pub index: u64,
    /// Which of the payloads it has.
    pub payload: usize,
    /// When it was due.
    pub due: Timestamp,
    /// Hash of the task.
    pub hash: H256,
    /// Block of its creation.
    pub block: u64,
    /// Last second of chain time in which a result counts.
    pub deadline: u64,
    /// Gas of the transaction that created it.
    pub gas: Option<u64>,
}

impl Merge {
    /// For a load that begins at `start`, by workers whose clocks are so far ahead.
    pub fn new(load: &Load, start: Timestamp, ahead: &[SignedDuration]) -> Self {
        let count = u32::try_from(ahead.len()).unwrap_or(u32::MAX);
        let workers = (0..count).zip(ahead).filter_map(|(worker, ahead)| {
            let share = Share::of(worker, count)?;
            let schedule = Schedule::of(load, share);
            Some(Worker { share, schedule, ahead: *ahead, open: BTreeMap::new(), sent: 0, is_done: false })
        });
        Self { start, workers: workers.collect() }
    }

    /// What a line of a worker says about a task; `None` if it says nothing new.
    pub fn line(&mut self, number: u32, line: WorkerLine) -> Option<Merged> {
        let start = self.start;
        let worker = self.workers.get_mut(usize::try_from(number).ok()?)?;
        let (index, creation, reason, on_chain) = match line {
            WorkerLine::Sent { index, at } => {
                worker.open.insert(index, at - worker.ahead);
                worker.sent += 1;
                return None;
            }
            WorkerLine::Done { sent } => {
                worker.is_done = sent == worker.sent && worker.open.is_empty();
                return None;
            }
            WorkerLine::Created { index, task, block, deadline, gas } => {
                (index, Creation::Created, None, Some((task, block, deadline, gas)))
            }
            WorkerLine::Refused { index, reason } => (index, Creation::Refused, Some(reason), None),
            WorkerLine::Unanswered { index, reason } => (index, Creation::Unanswered, Some(reason), None),
        };
        let sent = worker.open.remove(&index)?;
        let (payload, due) = worker.due(index, sent, start);
        let event = LoadEvent::Sent { index, payload, due, sent, creation, reason, worker: Some(number) };
        let created = on_chain.map(|(hash, block, deadline, gas)| CreatedTask {
            index,
            payload,
            due,
            hash,
            block,
            deadline,
            gas,
        });
        Some(Merged { event, created })
    }

    /// Whether a worker has said that it has sent all of its tasks, and all its lines about them were read.
    pub fn is_done(&self, number: u32) -> bool {
        self.worker(number).is_some_and(|worker| worker.is_done)
    }

    /// What becomes of the other tasks of a worker that says nothing any more: those that it has sent are without an answer,
    /// and the rest were not sent.
    pub fn ended(&mut self, number: u32, reason: &str) -> Vec<LoadEvent> {
        let start = self.start;
        let worker = usize::try_from(number).ok().and_then(|number| self.workers.get_mut(number));
        let Some(worker) = worker.filter(|worker| !worker.is_done) else { return Vec::new() };
        worker.is_done = true;
        let open = std::mem::take(&mut worker.open);
        let unanswered = open.into_iter().map(|(index, sent)| {
            let (payload, due) = worker.due(index, sent, start);
            let (creation, reason) = (Creation::Unanswered, Some(reason.to_owned()));
            LoadEvent::Sent { index, payload, due, sent, creation, reason, worker: Some(number) }
        });
        let mut events: Vec<_> = unanswered.collect();
        let count = worker.schedule.planned().unwrap_or_default().saturating_sub(worker.sent);
        if count > 0 {
            // A worker sends its tasks in their order.
            let (first, every, reason) = (worker.share.index(worker.sent), worker.share.every(), reason.to_owned());
            events.push(LoadEvent::Unsent { worker: number, first, every, count, reason });
        }
        events
    }

    /// How many workers there are.
    pub fn workers(&self) -> u32 {
        u32::try_from(self.workers.len()).unwrap_or(u32::MAX)
    }

    fn worker(&self, number: u32) -> Option<&Worker> {
        self.workers.get(usize::try_from(number).ok()?)
    }
}

impl Worker {
    /// The payload of a task and when it was due.
    fn due(&self, index: u64, sent: Timestamp, start: Timestamp) -> (usize, Timestamp) {
        let task = self.schedule.task(index / u64::from(self.share.every()));
        (task.payload, task.due.map_or(sent, |due| start + due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2026-03-01T12:00:00Z";

    fn start() -> Timestamp {
        START.parse().unwrap()
    }

    fn millis(milliseconds: i64) -> SignedDuration {
        SignedDuration::from_millis(milliseconds)
    }

    fn merge(keys: serde_json::Value, ahead: &[i64]) -> Merge {
        let load = serde_json::from_value(keys).unwrap();
        Merge::new(&load, start(), &ahead.iter().copied().map(millis).collect::<Vec<_>>())
    }

    fn sent(index: u64, after: i64) -> WorkerLine {
        WorkerLine::Sent { index, at: start() + millis(after) }
    }

    fn created(index: u64) -> WorkerLine {
        WorkerLine::Created { index, task: H256::from_low_u64_be(index), block: 5, deadline: 90, gas: None }
    }

    fn at_rate() -> serde_json::Value {
        serde_json::json!({"rate": 10, "tasks": 8, "mix": [{"payload": "a"}, {"payload": "b"}]})
    }

    /// Times are those of one clock, and a task is due at its place in the whole load, whichever worker sends it.
    #[test]
    fn the_tasks_of_all_workers_are_those_of_one_load() {
        let mut merge = merge(at_rate(), &[0, 5_000]);
        assert_eq!(merge.line(1, sent(3, 5_301)), None);
        let Merged { event, created } = merge.line(1, created(3)).unwrap();
        let (due, sent_at) = (start() + millis(300), start() + millis(301));
        let LoadEvent::Sent { index: 3, payload: 1, due: told, sent, creation: Creation::Created, worker, .. } = event
        else {
            panic!("{event:?}")
        };
        assert_eq!((told, sent, worker), (due, sent_at, Some(1)));
        let created = created.unwrap();
        assert_eq!((created.index, created.due, created.hash), (3, due, H256::from_low_u64_be(3)));
        let refused = WorkerLine::Refused { index: 0, reason: "no".to_owned() };
        assert_eq!(merge.line(0, sent_line_of(0)), None);
        let merged = merge.line(0, refused.clone()).unwrap();
        assert!(
            matches!(merged.event, LoadEvent::Sent { creation: Creation::Refused, .. }) && merged.created.is_none()
        );
        assert_eq!(merge.line(0, refused), None, "a task is answered once");
    }

    fn sent_line_of(index: u64) -> WorkerLine {
        sent(index, 0)
    }

    #[test]
    fn a_worker_is_done_when_every_task_that_it_sent_was_read() {
        let mut merge = merge(at_rate(), &[0, 0]);
        merge.line(0, sent(0, 0));
        merge.line(0, WorkerLine::Done { sent: 1 });
        assert!(!merge.is_done(0), "a task has no answer");
        merge.line(0, created(0));
        merge.line(0, WorkerLine::Done { sent: 2 });
        assert!(!merge.is_done(0), "a line was not read");
        merge.line(0, WorkerLine::Done { sent: 1 });
        assert!(merge.is_done(0) && !merge.is_done(1));
        assert_eq!(merge.ended(0, "it ended"), []);
    }

    /// None is forgotten: what was sent has no answer, and the rest was not sent.
    #[test]
    fn a_worker_that_ends_early_accounts_for_all_of_its_tasks() {
        let mut merge = merge(at_rate(), &[0, 0, 0]);
        merge.line(1, sent(1, 100));
        merge.line(1, created(1));
        merge.line(1, sent(4, 400));
        let events = merge.ended(1, "killed");
        let [LoadEvent::Sent { index: 4, creation: Creation::Unanswered, .. }, unsent] = events.as_slice() else {
            panic!("{events:?}")
        };
        let reason = "killed".to_owned();
        assert_eq!(*unsent, LoadEvent::Unsent { worker: 1, first: 7, every: 3, count: 1, reason });
        assert_eq!(merge.ended(1, "killed"), [], "it ends once");
        let reason = "killed".to_owned();
        let all = LoadEvent::Unsent { worker: 2, first: 2, every: 3, count: 2, reason };
        assert_eq!(merge.ended(2, "killed"), [all]);
    }

    /// Nobody knows how many tasks it would have sent.
    #[test]
    fn a_closed_loop_with_a_duration_has_no_unsent_tasks() {
        let mut merge = merge(serde_json::json!({"concurrency": 2, "duration": "1s", "payload": "a"}), &[0, 0]);
        merge.line(0, sent(0, 10));
        let events = merge.ended(0, "killed");
        let [LoadEvent::Sent { due, sent, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((due, sent), (&(start() + millis(10)), &(start() + millis(10))), "it is due when it is sent");
    }
}
