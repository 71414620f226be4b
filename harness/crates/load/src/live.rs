//! Counts while a load runs, from the entries of the timeline; each entry is read once.

use std::{collections::HashMap, time::Duration};

use hourglass_base::age;
use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_timeline::{Event, Source};
use jiff::Timestamp;

use crate::{
    latency::{Latencies, Percentiles},
    record::{Creation, LoadEvent, LoadRecord},
};

/// The counts of a load that is under way.
#[derive(Debug)]
pub struct Live {
    alias: String,
    /// How many entries were read.
    seen: usize,
    /// Created tasks that are not verified, with the time when each was due.
    open: HashMap<H256, Timestamp>,
    /// Verified tasks whose creation was not recorded yet: a task may be verified before its creation is answered.
    early: HashMap<H256, Timestamp>,
    latencies: Latencies,
    created: u64,
    refused: u64,
    verified: u64,
    missed: u64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Created tasks.
    pub created: u64,
    /// Tasks that were not created.
    pub refused: u64,
    /// Verified tasks.
    pub verified: u64,
    /// Tasks that were given up.
    pub missed: u64,
    /// Created tasks that are neither verified nor given up.
    pub in_flight: u64,
    /// From when a task was due until it was verified, for those that are; `None` before the first.
    pub latency: Option<Percentiles>,
}

impl Live {
    /// For the load with this name, of whose environment the timeline has `seen` entries already.
    pub fn new(alias: impl Into<String>, seen: usize) -> Self {
        Self {
            alias: alias.into(),
            seen,
            open: HashMap::new(),
            early: HashMap::new(),
            latencies: Latencies::new(),
            created: 0,
            refused: 0,
            verified: 0,
            missed: 0,
        }
    }

    /// Reads the entries that are new among all of them.
    pub fn read(&mut self, events: &[Event]) {
        for event in events.get(self.seen..).unwrap_or_default() {
            self.add(event);
        }
        self.seen = self.seen.max(events.len());
    }

    /// The counts now.
    pub fn counts(&self) -> Counts {
        Counts {
            created: self.created,
            refused: self.refused,
            verified: self.verified,
            missed: self.missed,
            in_flight: self.open.len().try_into().unwrap_or(u64::MAX),
            latency: self.latencies.percentiles(),
        }
    }

    fn add(&mut self, event: &Event) {
        let on_chain = matches!(event.source, Source::Chain(_));
        if let (Some(task), Some(TaskEvent::TaskVerified), true) = (event.task_hash, event.event, on_chain) {
            match self.open.remove(&task) {
                Some(due) => self.verify(due, event.at),
                None => drop(self.early.insert(task, event.at)),
            }
            return;
        }
        let Some(record) = LoadRecord::of(event).filter(|record| record.alias == self.alias) else { return };
        match (record.what, event.task_hash) {
            (LoadEvent::Sent { due, creation: Creation::Created, .. }, Some(task)) => {
                self.created += 1;
                match self.early.remove(&task) {
                    Some(at) => self.verify(due, at),
                    None => drop(self.open.insert(task, due)),
                }
            }
            (LoadEvent::Sent { .. }, _) => self.refused += 1,
            (LoadEvent::Unsent { count, .. }, _) => self.refused += count,
            (LoadEvent::Missed { .. }, task) => {
                self.missed += 1;
                if task.and_then(|task| self.open.remove(&task)).is_none() {
                    // It was counted as verified when its chain said so: too late, or wrongly.
                    self.verified = self.verified.saturating_sub(1);
                }
            }
        }
    }

    fn verify(&mut self, due: Timestamp, at: Timestamp) {
        self.verified += 1;
        self.latencies.add(age(due, at));
    }
}

/// How many events a second, from a count then and a count now.
pub fn per_second(earlier: u64, now: u64, passed: Duration) -> f64 {
    let seconds = passed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a load has far fewer tasks than an f64 counts exactly")]
    let count = now.saturating_sub(earlier) as f64;
    if seconds > 0.0 { count / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use hourglass_scenario::Chain;

    use super::*;

    fn verified(task: H256, at: Timestamp) -> Event {
        let source = Source::Chain(Chain::L2);
        Event {
            at,
            source,
            event: Some(TaskEvent::TaskVerified),
            task_hash: Some(task),
            ..Event::of_harness("TaskVerified")
        }
    }

    fn created(task: H256, due: Timestamp) -> Event {
        let creation = Creation::Created;
        let what = LoadEvent::Sent { index: 0, payload: 0, due, sent: due, creation, reason: None, worker: None };
        LoadRecord { alias: "load".to_owned(), what }.event(Some(task))
    }

    /// The chain's event may be read before the answer to the creation, and each entry counts once.
    #[test]
    fn tasks_are_counted_in_either_order_of_their_entries() {
        let due: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let [one, two, three] = [1, 2, 3].map(H256::repeat_byte);
        let at = due + Duration::from_millis(80);
        let earlier = [Event::of_harness("of an earlier load")];
        let mut live = Live::new("load", 1);
        let mut events = earlier.to_vec();
        events.extend([created(one, due), verified(two, at), created(three, due)]);
        live.read(&events);
        let counts = live.counts();
        assert_eq!((counts.created, counts.verified, counts.in_flight, counts.latency), (2, 0, 2, None));
        events.extend([created(two, due), verified(one, at)]);
        live.read(&events);
        live.read(&events);
        let counts = live.counts();
        assert_eq!((counts.created, counts.verified, counts.in_flight), (3, 2, 1));
        assert!(counts.latency.is_some_and(|latency| (80.0..80.1).contains(&latency.p50_ms)), "{counts:?}");
    }

    #[test]
    fn throughput_is_that_of_the_time_that_passed() {
        assert!((per_second(10, 25, Duration::from_millis(500)) - 30.0).abs() < 1e-9);
        assert!(per_second(10, 25, Duration::ZERO).abs() < 1e-9);
    }
}
