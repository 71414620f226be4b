//! The result of a load: what `harness load --json FILE` writes, and what reports render.

use std::time::Duration;

use hourglass_base::{Version, age};
use hourglass_component::text::safe_json;
use hourglass_scenario::{Chain, Load, LoadPayload};
use hourglass_timeline::Event;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, LoadTask, Reason, TaskCounts, TaskOutcome},
    arrivals::{due, turns},
    latency::{PhaseLatency, by_phase},
    schedule::payload_of,
    search::{Limit, ProbeOutcome},
};

/// The version of the document. It rises when a key is removed or changes its meaning; not when one is added.
pub const LOAD_VERSION: u32 = 1;

/// How many tasks that were not verified a result names.
const NAMED: usize = 100;
/// How many reasons a result has.
const REASONS: usize = 20;
/// A rate was kept if creating the tasks took at most so many times as long as it should have.
const KEPT: f64 = 1.05;
/// How much longer it may have taken besides: one creation, on a busy machine.
const ONE_CREATION: Duration = Duration::from_millis(250);

/// A load, or a search for a rate, after its end.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Load on an environment")]
pub struct LoadReport {
    /// Rises when a key goes or changes its meaning; not when one is added.
    pub version: Version<LOAD_VERSION>,
    /// When it began, on the wall clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// How long it took, with the stand-up and the teardown of the environment, in milliseconds.
    pub duration_ms: f64,
    /// The trial whose environment it ran in, for example `process::square`.
    pub trial: String,
    /// The scenario file that the environment is of.
    pub scenario: String,
    /// How it ended.
    pub outcome: LoadOutcome,
    /// The load; of a search, one for each rate that was tried, in the order in which they ran.
    pub loads: Vec<LoadResult>,
    /// What the search found, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchResult>,
}

/// How a load ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoadOutcome {
    /// Every task was verified; of a search, a rate was found.
    Complete,
    /// A task was not verified.
    TasksNotVerified,
    /// At no rate that was tried did the bound hold.
    NoRateHeld,
    /// The trial of the environment did not pass, for another reason than tasks of the load; it ends a search.
    TrialFailed {
        /// The verdict of the trial: `failed`, `environment failed` or `skipped`.
        verdict: String,
    },
    /// The user ended it.
    Interrupted,
}

/// The result of one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// The name of its tasks in the timeline and in the report of the trial.
    pub name: String,
    /// What was requested.
    pub pattern: Pattern,
    /// How many tasks had which outcome.
    pub tasks: TaskCounts,
    /// Why tasks were not verified, the most frequent reasons first; at most 20.
    pub reasons: Vec<Reason>,
    /// The tasks that were not verified, in the order in which they were due; at most 100.
    pub not_verified: Vec<TaskNotVerified>,
    /// Verified tasks a second, from the first task that was created to the last that was verified; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<f64>,
    /// Whether tasks were created at the requested rate, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<AchievedRate>,
    /// The latencies of verified tasks, in the order of the phases.
    pub phases: Vec<PhaseLatency>,
    /// The same for each payload, if there are several: `verified` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<PayloadResult>,
}

/// What was requested of a load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The chain on which tasks were created.
    pub chain: Chain,
    /// Tasks a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Tasks at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// The most tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    /// When no further task was created, in milliseconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How long each task might take until it was verified, in milliseconds.
    pub within_ms: f64,
    /// How many pods in the cluster sent the tasks, each its share; absent if the harness sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
}

/// A task that was not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskNotVerified {
    /// Its index, from 0, in the order in which tasks were due.
    pub index: u64,
    /// Its hash, if it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What became of it.
    pub outcome: TaskOutcome,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The rate at which tasks were created.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AchievedRate {
    /// Created tasks a second.
    pub created: f64,
    /// Whether that is what was requested, within 5 % and the time of one creation. If not, the harness and its chain could
    /// not create tasks so fast, and latencies include how long tasks waited for that.
    pub kept: bool,
}

/// The tasks with one payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PayloadResult {
    /// The payload in hexadecimal; at most its first 32 bytes.
    pub payload_hex: String,
    /// How many of the tasks have it, relative to the others.
    pub weight: u32,
    /// How many tasks with it had which outcome.
    pub tasks: TaskCounts,
    /// From when such a task was due until it was verified; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<PhaseLatency>,
}

/// What a search for a rate found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// The bound, for example `p99<=200ms`, on the latency from when a task was due until it was verified.
    pub bound: String,
    /// The highest rate at which it held, in tasks a second; absent if it held at none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// What limits that rate.
    pub limit: Limit,
    /// What each rate showed, in the order of `loads`.
    pub probes: Vec<Probe>,
}

/// What a load of a search showed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Its rate, in tasks a second.
    pub rate: f64,
    /// The bounded figure in milliseconds; absent if no task was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure_ms: Option<f64>,
    /// What it showed.
    pub outcome: ProbeOutcome,
}

impl LoadReport {
    /// The document, with a line feed at its end.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&safe_json(self)?).map(|text| text + "\n")
    }
}

impl LoadResult {
    /// The result of a load from the entries of its timeline. `block_interval` is how far blocks are apart on a chain that
    /// does not mine each transaction at once.
    pub fn of(load: &Load, block_interval: Option<Duration>, events: &[Event]) -> Self {
        let mut tasks = account::tasks(&load.alias, load.within.into(), events);
        let turns = turns(load.payloads().iter().map(|payload| payload.weight));
        for task in tasks.iter_mut().filter(|task| task.outcome == TaskOutcome::Unsent) {
            task.payload = payload_of(&turns, task.index);
        }
        let not_verified: Vec<_> = tasks.iter().filter(|task| task.outcome != TaskOutcome::Verified).collect();
        let mut reasons = account::reasons(not_verified.iter().copied());
        reasons.truncate(REASONS);
        let verified: Vec<_> = tasks.iter().filter(|task| task.outcome == TaskOutcome::Verified).collect();
        Self {
            name: load.alias.clone(),
            pattern: Pattern::of(load),
            tasks: TaskCounts::of(&tasks),
            reasons,
            not_verified: not_verified.into_iter().take(NAMED).map(TaskNotVerified::of).collect(),
            throughput: throughput(&tasks),
            rate: load.rate.and_then(|rate| AchievedRate::of(rate, block_interval.unwrap_or_default(), &tasks)),
            phases: by_phase(verified),
            payloads: of_payloads(&load.payloads(), &tasks),
        }
    }

    /// From when tasks were due until they were verified; `None` if none was.
    pub fn verified(&self) -> Option<&PhaseLatency> {
        verified(&self.phases)
    }
}

impl Pattern {
    fn of(load: &Load) -> Self {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        Self {
            chain: load.chain,
            rate: load.rate,
            concurrency: load.concurrency,
            tasks: load.tasks,
            duration_ms: load.duration.map(|duration| milliseconds(duration.into())),
            within_ms: milliseconds(load.within.into()),
            workers: load.workers,
        }
    }
}

impl TaskNotVerified {
    fn of(task: &LoadTask) -> Self {
        Self {
            index: task.index,
            hash: task.hash.map(|hash| format!("{hash:?}")),
            outcome: task.outcome,
            reason: task.reason.clone(),
        }
    }
}

impl AchievedRate {
    /// `None` if fewer than two tasks were created, or if their creation was not seen.
    fn of(rate: f64, block_interval: Duration, tasks: &[LoadTask]) -> Option<Self> {
        let first = tasks.iter().map(|task| task.due).min()?;
        let last = tasks.iter().filter_map(|task| task.times.created()).max()?;
        let created: u32 = tasks.iter().filter(|task| task.times.created().is_some()).count().try_into().ok()?;
        let last_due = tasks.iter().filter(|task| task.times.created().is_some()).map(|task| task.index).max()?;
        let (took, should) = (age(first, last).as_secs_f64(), due(last_due, rate).as_secs_f64());
        let tolerance = (ONE_CREATION + block_interval).as_secs_f64();
        // The interval after the last task belongs to the rate as well.
        let spacing = 1.0 / rate;
        (created > 1)
            .then(|| Self { created: f64::from(created) / (took + spacing), kept: took <= KEPT * should + tolerance })
    }
}

fn verified(phases: &[PhaseLatency]) -> Option<&PhaseLatency> {
    phases.iter().find(|phase| phase.phase == "verified")
}

fn throughput(tasks: &[LoadTask]) -> Option<f64> {
    let verified: Vec<_> = tasks.iter().filter(|task| task.outcome == TaskOutcome::Verified).collect();
    let first = tasks.iter().filter_map(|task| task.times.created()).min()?;
    let last = verified.iter().filter_map(|task| task.times.verified()).max()?;
    let seconds = age(first, last).as_secs_f64();
    let count: u32 = verified.len().try_into().ok()?;
    (seconds > 0.0).then(|| f64::from(count) / seconds)
}

fn of_payloads(payloads: &[LoadPayload], tasks: &[LoadTask]) -> Vec<PayloadResult> {
    const SHOWN: usize = 32;
    let of = |index: usize| tasks.iter().filter(move |task| task.payload == index);
    let result = |(index, payload): (usize, &LoadPayload)| {
        let bytes = payload.payload_bytes();
        let phases = by_phase(of(index).filter(|task| task.outcome == TaskOutcome::Verified));
        PayloadResult {
            payload_hex: format!("0x{}", hex::encode(&bytes[..bytes.len().min(SHOWN)])),
            weight: payload.weight,
            tasks: TaskCounts::of(of(index)),
            verified: verified(&phases).cloned(),
        }
    };
    if payloads.len() < 2 { Vec::new() } else { payloads.iter().enumerate().map(result).collect() }
}

#[cfg(test)]
mod tests {
    use hourglass_component::{events::TaskEvent, keys::H256};
    use hourglass_timeline::Source;

    use super::*;
    use crate::record::{Creation, LoadEvent, LoadRecord};

    fn load(rate: f64) -> Load {
        let keys =
            serde_json::json!({"rate": rate, "tasks": 100, "mix": [{"payload": "a", "weight": 3}, {"payload": "b"}]});
        serde_json::from_value(keys).unwrap()
    }

    /// A hundred tasks that are due at a rate, each created and verified so long after it could be created: the chain
    /// creates at most so many a second.
    fn events(rate: f64, most_created: f64) -> Vec<Event> {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let events = (0..100_u64).flat_map(|index| {
            let hash = Some(H256::from_low_u64_be(index + 1));
            let is_due = start + due(index, rate);
            let created = start + due(index, rate.min(most_created)) + Duration::from_millis(5);
            let payload = usize::from(index % 4 == 3);
            let what = LoadEvent::Sent {
                index,
                payload,
                due: is_due,
                sent: is_due,
                creation: Creation::Created,
                reason: None,
                worker: None,
            };
            let sent = LoadRecord { alias: "load".to_owned(), what }.event(hash);
            let on_chain = |event, at| Event {
                at,
                source: Source::Chain(Chain::L2),
                event: Some(event),
                task_hash: hash,
                ..Event::of_harness("of the chain")
            };
            let verified = on_chain(TaskEvent::TaskVerified, created + Duration::from_millis(40));
            [sent, on_chain(TaskEvent::TaskCreated, created), verified]
        });
        events.collect()
    }

    /// A search must not take the limit of the generator for one of what is tested.
    #[test]
    fn a_rate_at_which_tasks_were_not_created_is_not_kept() {
        let kept = LoadResult::of(&load(50.0), None, &events(50.0, 1e9)).rate.unwrap();
        assert!(kept.kept && (49.0..=50.5).contains(&kept.created), "{kept:?}");
        let slow = LoadResult::of(&load(50.0), None, &events(50.0, 30.0)).rate.unwrap();
        assert!(!slow.kept && (29.0..=31.0).contains(&slow.created), "{slow:?}");
        // Two seconds late, as a block every two seconds is.
        let in_blocks = LoadResult::of(&load(50.0), Some(Duration::from_secs(2)), &events(50.0, 30.0)).rate.unwrap();
        assert!(in_blocks.kept, "{in_blocks:?}");
    }

    #[test]
    fn a_result_has_the_shares_of_payloads_and_the_throughput() {
        let result = LoadResult::of(&load(50.0), None, &events(50.0, 1e9));
        assert!(result.tasks.all_verified() && result.reasons.is_empty() && result.not_verified.is_empty());
        let sent: Vec<_> = result.payloads.iter().map(|payload| (payload.tasks.sent, &*payload.payload_hex)).collect();
        assert_eq!(sent, [(75, "0x61"), (25, "0x62")]);
        // A hundred tasks in 99 intervals of 20 ms and the 40 ms of the last.
        assert!(result.throughput.is_some_and(|rate| (49.0..49.7).contains(&rate)), "{:?}", result.throughput);
        let verified = result.verified().unwrap();
        assert!((45.0..45.1).contains(&verified.since_due.p50_ms), "{verified:?}");
    }
}
