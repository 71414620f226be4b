//! What became of each task of a load: every one has exactly one outcome.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    time::Duration,
};

use hourglass_base::age;
use hourglass_component::keys::H256;
use hourglass_timeline::{Event, TaskTimes, times_by_task};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Creation, LoadEvent, LoadRecord, Missed};

/// A task of a load.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadTask {
    /// Its index, from 0, in the order in which tasks were due.
    pub index: u64,
    /// Which of the payloads it has, from 0.
    pub payload: usize,
    /// When it was due.
    pub due: Timestamp,
    /// When its creation was requested.
    pub sent: Timestamp,
    /// Its hash, if it was created.
    pub hash: Option<H256>,
    /// When it reached which phase.
    pub times: TaskTimes,
    /// What became of it.
    pub outcome: TaskOutcome,
    /// Why, if it is not verified.
    pub reason: Option<String>,
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// It was verified in time, as it must be.
    Verified,
    /// It was verified with another result or certificate than it must have.
    Wrong,
    /// Its deadline on the chain passed before.
    Expired,
    /// It was not verified within the limit of the load, or given up.
    NotVerified,
    /// It was not created: the mailbox or the chain refused it.
    Refused,
    /// Its creation was requested, and the load ended before the answer.
    Unanswered,
    /// It was not sent: its worker ended before.
    Unsent,
}

/// How many tasks have which outcome. `sent` is the sum of `created`, `refused` and `unanswered`; `created` is the sum of
/// `verified`, `wrong`, `expired` and `not_verified`. The tasks of `unsent` are in no other count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCounts {
    /// Whose creation was requested.
    pub sent: u64,
    /// That are on their chain.
    pub created: u64,
    /// That the mailbox or the chain refused.
    pub refused: u64,
    /// Whose creation was not answered before the load ended.
    pub unanswered: u64,
    /// That were verified in time, as they must be.
    pub verified: u64,
    /// That were verified with another result or certificate than they must have.
    pub wrong: u64,
    /// Whose deadline on the chain passed before.
    pub expired: u64,
    /// That were not verified within the limit of the load, or given up.
    pub not_verified: u64,
    /// That were not sent, because their worker ended before.
    #[serde(default)]
    pub unsent: u64,
}

impl LoadTask {
    /// A task of which nothing is known but that it was sent.
    pub(crate) fn sent(index: u64, due: Timestamp, sent: Timestamp) -> Self {
        let outcome = TaskOutcome::Unanswered;
        Self { index, payload: 0, due, sent, hash: None, times: TaskTimes::default(), outcome, reason: None }
    }
}

impl TaskCounts {
    /// The counts of these tasks.
    pub fn of<'a>(tasks: impl IntoIterator<Item = &'a LoadTask>) -> Self {
        let mut counts = Self::default();
        for task in tasks {
            let (kind, is_sent, is_created) = match task.outcome {
                TaskOutcome::Verified => (&mut counts.verified, true, true),
                TaskOutcome::Wrong => (&mut counts.wrong, true, true),
                TaskOutcome::Expired => (&mut counts.expired, true, true),
                TaskOutcome::NotVerified => (&mut counts.not_verified, true, true),
                TaskOutcome::Refused => (&mut counts.refused, true, false),
                TaskOutcome::Unanswered => (&mut counts.unanswered, true, false),
                TaskOutcome::Unsent => (&mut counts.unsent, false, false),
            };
            *kind += 1;
            counts.sent += u64::from(is_sent);
            counts.created += u64::from(is_created);
        }
        counts
    }

    /// Whether each task was verified as it must be. Without a task there is nothing that was.
    pub const fn all_verified(&self) -> bool {
        self.verified == self.all() && self.sent > 0
    }

    /// The tasks that were sent, and those that should have been.
    pub const fn all(&self) -> u64 {
        self.sent + self.unsent
    }
}

/// The tasks of the load `alias` in the order in which they were due. `within` is how long each may take since it was due.
pub fn tasks(alias: &str, within: Duration, events: &[Event]) -> Vec<LoadTask> {
    let times = times_by_task(events);
    let mut missed: HashMap<H256, (Missed, String)> = HashMap::new();
    let mut tasks: BTreeMap<u64, LoadTask> = BTreeMap::new();
    for event in events {
        let Some(record) = LoadRecord::of(event).filter(|record| record.alias == alias) else { continue };
        match record.what {
            LoadEvent::Sent { index, payload, due, sent, creation, reason, .. } => {
                let outcome = match creation {
                    // Until something else is known.
                    Creation::Created => TaskOutcome::NotVerified,
                    Creation::Refused => TaskOutcome::Refused,
                    Creation::Unanswered => TaskOutcome::Unanswered,
                };
                let task =
                    LoadTask { payload, outcome, reason, hash: event.task_hash, ..LoadTask::sent(index, due, sent) };
                tasks.insert(index, task);
            }
            LoadEvent::Unsent { first, every, count, reason, .. } => {
                tasks.extend((0..count).map(|number| {
                    let index = first.saturating_add(number.saturating_mul(every.into()));
                    let (outcome, reason) = (TaskOutcome::Unsent, Some(reason.clone()));
                    (index, LoadTask { outcome, reason, ..LoadTask::sent(index, event.at, event.at) })
                }));
            }
            LoadEvent::Missed { how, seen } => {
                event.task_hash.map(|task| missed.insert(task, (how, seen)));
            }
        }
    }
    for task in tasks.values_mut() {
        let Some(hash) = task.hash else { continue };
        task.times = times.get(&hash).copied().unwrap_or_default();
        let in_time = task.times.verified().is_some_and(|verified| age(task.due, verified) <= within);
        match missed.remove(&hash) {
            Some((how, seen)) => {
                task.outcome = match how {
                    Missed::Expired => TaskOutcome::Expired,
                    Missed::NotVerified => TaskOutcome::NotVerified,
                    Missed::Wrong => TaskOutcome::Wrong,
                };
                task.reason = Some(seen);
            }
            None if in_time => task.outcome = TaskOutcome::Verified,
            // The load ended before the task was judged.
            None => {}
        }
    }
    tasks.into_values().collect()
}

/// How many hashes a summary shows.
const HASHES: usize = 5;
/// How many reasons a summary shows.
const REASONS: usize = 3;

/// What became of the tasks in words: the counts, then for each outcome that is not as it must be the most frequent reasons
/// and a few hashes. Several lines.
pub fn summary(tasks: &[LoadTask]) -> String {
    let counts = TaskCounts::of(tasks);
    let mut text = format!("{} of {} verified", counts.verified, counts.all());
    for (outcome, word) in NOT_VERIFIED {
        let of_it: Vec<_> = tasks.iter().filter(|task| task.outcome == outcome).collect();
        if of_it.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{} {word}", of_it.len());
        for Reason { reason, count } in reasons(of_it.iter().copied()).iter().take(REASONS) {
            let tasks = if *count == 1 { "task" } else { "tasks" };
            let _ = write!(text, "\n  {count} {tasks}: {reason}");
        }
        let hashes: Vec<_> = of_it.iter().filter_map(|task| task.hash).collect();
        for hash in hashes.iter().take(HASHES) {
            let _ = write!(text, "\n  {hash:?}");
        }
        if hashes.len() > HASHES {
            let _ = write!(text, "\n  and {} more", hashes.len() - HASHES);
        }
    }
    text
}

/// The outcomes that make a load fail, in words.
const NOT_VERIFIED: [(TaskOutcome, &str); 6] = [
    (TaskOutcome::Unsent, "not sent"),
    (TaskOutcome::Refused, "refused"),
    (TaskOutcome::Unanswered, "without an answer to their creation"),
    (TaskOutcome::Expired, "expired"),
    (TaskOutcome::NotVerified, "not verified in time"),
    (TaskOutcome::Wrong, "verified with another result or certificate than they must have"),
];

/// Why tasks were not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The reason, in words.
    pub reason: String,
    /// How many tasks have it.
    pub count: u64,
}

/// The reasons of these tasks, the most frequent first.
pub fn reasons<'a>(tasks: impl IntoIterator<Item = &'a LoadTask>) -> Vec<Reason> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in tasks.into_iter().filter_map(|task| task.reason.as_deref()) {
        *counts.entry(reason).or_default() += 1;
    }
    let mut reasons: Vec<_> =
        counts.into_iter().map(|(reason, count)| Reason { reason: reason.to_owned(), count }).collect();
    reasons.sort_by_key(|reason| Reverse(reason.count));
    reasons
}

#[cfg(test)]
mod tests {
    use hourglass_component::events::TaskEvent;
    use hourglass_scenario::Chain;
    use hourglass_timeline::Source;

    use super::*;
    use TaskOutcome::{Expired, NotVerified, Refused, Unanswered, Unsent, Verified, Wrong};

    const WITHIN: Duration = Duration::from_secs(10);

    fn start() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn hash(index: u64) -> H256 {
        H256::from_low_u64_be(index + 1)
    }

    fn sent(alias: &str, index: u64, creation: Creation) -> Event {
        let due = start() + crate::arrivals::due(index, 10.0);
        let what = LoadEvent::Sent { index, payload: 0, due, sent: due, creation, reason: None, worker: None };
        let created = (creation == Creation::Created).then(|| hash(index));
        LoadRecord { alias: alias.to_owned(), what }.event(created)
    }

    fn missed(index: u64, how: Missed) -> Event {
        let what = LoadEvent::Missed { how, seen: "seen".to_owned() };
        LoadRecord { alias: "load".to_owned(), what }.event(Some(hash(index)))
    }

    fn on_chain(index: u64, event: TaskEvent, after: Duration) -> Event {
        let at = start() + crate::arrivals::due(index, 10.0) + after;
        let source = Source::Chain(Chain::L2);
        Event { at, source, event: Some(event), task_hash: Some(hash(index)), ..Event::of_harness("on chain") }
    }

    /// Each task is counted once, whatever became of it, and the sums agree.
    #[test]
    fn every_task_has_one_outcome() {
        let verified = |index| on_chain(index, TaskEvent::TaskVerified, Duration::from_millis(40));
        let events = [
            sent("load", 0, Creation::Created),
            verified(0),
            sent("load", 1, Creation::Refused),
            sent("load", 2, Creation::Unanswered),
            sent("load", 3, Creation::Created),
            missed(3, Missed::Expired),
            sent("load", 4, Creation::Created),
            missed(4, Missed::NotVerified),
            sent("load", 5, Creation::Created),
            verified(5),
            missed(5, Missed::Wrong),
            // The load ended before this one was judged.
            sent("load", 6, Creation::Created),
            // Too late, and not judged either.
            sent("load", 7, Creation::Created),
            on_chain(7, TaskEvent::TaskVerified, Duration::from_secs(11)),
            // The task of another load, and one that no load created.
            sent("other", 8, Creation::Created),
            verified(9),
        ];
        let tasks = tasks("load", WITHIN, &events);
        let outcomes: Vec<_> = tasks.iter().map(|task| task.outcome).collect();
        assert_eq!(outcomes, [Verified, Refused, Unanswered, Expired, NotVerified, Wrong, NotVerified, NotVerified]);
        let counts = TaskCounts::of(&tasks);
        assert_eq!(counts.sent, counts.created + counts.refused + counts.unanswered, "{counts:?}");
        assert_eq!(counts.created, counts.verified + counts.wrong + counts.expired + counts.not_verified, "{counts:?}");
        assert_eq!((counts.sent, counts.created, counts.verified, counts.not_verified), (8, 6, 1, 3));
        assert!(!counts.all_verified());
    }

    /// Tasks that a lost worker should have sent are neither forgotten nor taken for sent.
    #[test]
    fn tasks_that_were_not_sent_are_counted() {
        let lost =
            LoadEvent::Unsent { worker: 1, first: 4, every: 3, count: 2, reason: "worker 1 was killed".to_owned() };
        let lost = LoadRecord { alias: "load".to_owned(), what: lost }.event(None);
        let verified = (0..4_u64).flat_map(|index| {
            [sent("load", index, Creation::Created), on_chain(index, TaskEvent::TaskVerified, Duration::ZERO)]
        });
        let tasks = tasks("load", WITHIN, &verified.chain([lost]).collect::<Vec<_>>());
        let outcomes: Vec<_> = tasks.iter().map(|task| (task.index, task.outcome)).collect();
        assert_eq!(outcomes, [(0, Verified), (1, Verified), (2, Verified), (3, Verified), (4, Unsent), (7, Unsent)]);
        let counts = TaskCounts::of(&tasks);
        assert_eq!((counts.sent, counts.verified, counts.unsent, counts.all()), (4, 4, 2, 6));
        assert!(!counts.all_verified());
        assert_eq!(summary(&tasks), "4 of 6 verified\n2 not sent\n  2 tasks: worker 1 was killed");
    }

    /// A failure must say which tasks to look at, and must not be as long as the load.
    #[test]
    fn a_summary_names_reasons_and_a_few_hashes() {
        let events = (0..9).flat_map(|index| {
            let creation = if index == 0 { Creation::Refused } else { Creation::Created };
            let how = if index < 3 { Missed::Expired } else { Missed::NotVerified };
            [sent("load", index, creation), missed(index, how)]
        });
        let text = summary(&tasks("load", WITHIN, &events.collect::<Vec<_>>()));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..4], ["0 of 9 verified", "1 refused", "2 expired", "  2 tasks: seen"], "{text}");
        assert!(lines.contains(&"6 not verified in time") && lines.contains(&"  and 1 more"), "{text}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("  0x")).count(), 2 + HASHES, "{text}");
    }

    #[test]
    fn a_load_without_tasks_has_verified_nothing() {
        assert!(!TaskCounts::of(&[]).all_verified());
        let events = [sent("load", 0, Creation::Created), on_chain(0, TaskEvent::TaskVerified, WITHIN)];
        assert!(TaskCounts::of(&tasks("load", WITHIN, &events)).all_verified());
    }
}
