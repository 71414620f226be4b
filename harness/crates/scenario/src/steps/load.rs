//! `load`.

use std::time;

use hourglass_component::document::{Duration, Pointer, Problem, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::definition::{CreatedTasks, StepDefinition, StepProperties, StepRuntimes};
use super::text_or_hex::{bytes, check_result, check_task_payload, warn_of_digits};
use crate::limits::no_time;
use crate::texts::HexBytes;
use crate::values::Chain;

/// The most tasks of a load.
pub const MOST_LOAD_TASKS: u32 = 100_000;
/// The most tasks of a load that are under way at a time, if it has no rate.
pub const MOST_CONCURRENT_TASKS: u32 = 10_000;
/// The highest and the lowest rate, in tasks a second.
pub const LOAD_RATES: std::ops::RangeInclusive<f64> = 0.01..=10_000.0;

/// The most workers of a load.
pub const MOST_LOAD_WORKERS: u32 = 100;

/// How much longer a load may take than it would if all goes well.
const ALLOWANCE: time::Duration = time::Duration::from_secs(30);
/// How much longer it may take to start the workers of a load, and to end them.
const WORKERS: time::Duration = time::Duration::from_mins(2);
/// How long the creation of a task may take if tasks cannot be created as fast as they are due.
const EACH_TASK: time::Duration = time::Duration::from_millis(100);

/// Creates tasks at a rate, or so many at a time, and expects that each is verified in time. They are for the first AVS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The name of the group of its tasks.
    #[serde(default = "default_load", rename = "as")]
    #[schemars(title = "task name", regex(pattern = "^[a-z][a-z0-9_-]*$"), extend("examples" = ["load"]))]
    pub alias: String,
    /// The chain on which the tasks are created.
    #[serde(default)]
    pub chain: Chain,
    /// How many tasks a second: a task is due at its time whether or not earlier ones are done. Either this or
    /// `concurrency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01, max = 10_000))]
    pub rate: Option<f64>,
    /// How many tasks are under way at a time: a task is created as soon as another is verified or given up. Either this
    /// or `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: Option<u32>,
    /// The most tasks; this or `duration`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub tasks: Option<u32>,
    /// When no further task is created; this or `tasks`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// The payload as text. Either this, `payload_hex` or `mix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal. Either this, `payload` or `mix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// The result as text. Without this and `result_hex`, any result will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result as raw bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_hex: Option<HexBytes>,
    /// Several payloads, in turns by their weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<LoadPayload>,
    /// How long each task may take until it is verified: since it was due or, without a rate, since it was sent.
    #[serde(default = "default_within")]
    pub within: Duration,
    /// How many pods in the cluster send the tasks, each its share; without this, the harness sends them. Only for the
    /// Kubernetes runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub workers: Option<u32>,
}

/// One of the payloads of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadPayload {
    /// The payload as text. Either this or `payload_hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal. Either this or `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// How many of the tasks have it, relative to the other payloads.
    #[serde(default = "super::defaults::one")]
    #[schemars(range(min = 1, max = 1000))]
    pub weight: u32,
    /// The result as text. Without this and `result_hex`, any result will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result as raw bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_hex: Option<HexBytes>,
}

impl Load {
    /// Its payloads; one at least.
    pub fn payloads(&self) -> Vec<LoadPayload> {
        if !self.mix.is_empty() {
            return self.mix.clone();
        }
        let Self { payload, payload_hex, result, result_hex, .. } = self.clone();
        vec![LoadPayload { payload, payload_hex, weight: 1, result, result_hex }]
    }

    /// Why workers would have nothing to do, if some would.
    pub fn idle_workers(&self) -> Option<String> {
        let workers = self.workers?;
        let few = [(self.concurrency, "tasks at a time"), (self.tasks, "tasks")];
        let (number, what) = few.into_iter().find(|(number, _)| number.is_some_and(|number| number < workers))?;
        let number = number?;
        Some(format!("{workers} workers cannot share {number} {what}"))
    }

    /// About how many tasks it creates, if that is known before it runs.
    fn number(&self) -> Option<u32> {
        let by_rate = self.rate.zip(self.duration).map(|(rate, duration)| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the product is not negative, and the cast saturates"
            )]
            let number = (rate * time::Duration::from(duration).as_secs_f64()).ceil() as u32;
            number
        });
        self.tasks.into_iter().chain(by_rate).min()
    }

    /// How long it takes to create the tasks if all goes as badly as the step allows.
    fn creation(&self) -> time::Duration {
        let duration = self.duration.map(time::Duration::from);
        let by_tasks = self.tasks.map(|tasks| match (self.rate, self.concurrency) {
            (Some(rate), _) if rate > 0.0 => {
                time::Duration::try_from_secs_f64(f64::from(tasks) / rate).unwrap_or(time::Duration::MAX)
            }
            // Each of them uses up its time.
            (_, concurrency) => {
                time::Duration::from(self.within).saturating_mul(tasks.div_ceil(concurrency.unwrap_or(1).max(1)))
            }
        });
        duration.into_iter().chain(by_tasks).min().unwrap_or_default()
    }
}

impl LoadPayload {
    /// The payload's bytes.
    pub fn payload_bytes(&self) -> Vec<u8> {
        bytes(self.payload.as_ref(), self.payload_hex.as_ref()).unwrap_or_default()
    }

    /// The expected result's bytes; `None` when any result will do.
    pub fn result_bytes(&self) -> Option<Vec<u8>> {
        bytes(self.result.as_ref(), self.result_hex.as_ref())
    }

    /// Adds the problems of the payload at `at`.
    pub fn check(&self, at: &Pointer, problems: &mut Problems) {
        check_task_payload(self.payload.as_ref(), self.payload_hex.as_ref(), at, problems);
        check_result(self.result.as_ref(), self.result_hex.as_ref(), at, problems);
    }
}

impl StepDefinition for Load {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        let slow = EACH_TASK.saturating_mul(self.number().unwrap_or_default());
        let creation = self.creation().max(slow);
        let workers = self.workers.map(|_| WORKERS).unwrap_or_default();
        creation.saturating_add(self.within.into()).saturating_add(ALLOWANCE).saturating_add(workers).into()
    }

    fn key_runtimes(&self) -> Vec<(&'static str, StepRuntimes)> {
        self.workers.map(|_| ("workers", StepRuntimes::Cluster)).into_iter().collect()
    }

    fn creates(&self) -> Option<CreatedTasks<'_>> {
        // What it takes depends on the tasks that are under way at once.
        let count = self.number().unwrap_or(MOST_LOAD_TASKS).min(self.concurrency.unwrap_or(MOST_LOAD_TASKS));
        Some(CreatedTasks { alias: &self.alias, count, avs: None })
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        let problems = &mut *check.problems;
        match (self.rate, self.concurrency) {
            (Some(_), Some(_)) => problems.add(
                Problem::at_key(&at.key("concurrency"), "both `rate` and `concurrency` are given")
                    .label("a second way to choose when tasks are created")
                    .help("keep one of the two"),
            ),
            (None, None) if !problems.touch(at) => problems.add(
                Problem::at_key(at, "`rate` or `concurrency` is missing")
                    .label("does not say when tasks are created")
                    .help("add `rate` (tasks a second) or `concurrency` (tasks at a time)"),
            ),
            _ => {}
        }
        if self.tasks.is_none() && self.duration.is_none() && !problems.touch(at) {
            problems.add(
                Problem::at_key(at, "`tasks` or `duration` is missing")
                    .label("does not say when it ends")
                    .help("add `tasks`, `duration` or both"),
            );
        }
        for (key, time) in [("duration", self.duration), ("within", Some(self.within))] {
            if time.is_some_and(|time| time.is_zero()) {
                problems.add(no_time(&at.key(key), key));
            }
        }
        if let Some(problem) = self.idle_workers() {
            problems.add(Problem::at_value(&at.key("workers"), problem).label("too many").help("have fewer workers"));
        }
        let single = self.payload.is_some() || self.payload_hex.is_some();
        warn_of_digits(self.payload.as_ref(), at, check.warnings);
        if self.mix.is_empty() {
            self.payloads()[0].check(at, problems);
        } else if single {
            problems.add(
                Problem::at_key(&at.key("mix"), "both a payload and `mix` are given")
                    .label("further payloads")
                    .help("move the payload into `mix`"),
            );
        }
        for (index, payload) in self.mix.iter().enumerate() {
            let at = at.key("mix").item(index);
            warn_of_digits(payload.payload.as_ref(), &at, check.warnings);
            payload.check(&at, problems);
        }
    }
}

fn default_load() -> String {
    "load".to_owned()
}

const fn default_within() -> Duration {
    Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Loader, StepKind};

    fn load(keys: &str) -> Result<Load, String> {
        parse("", keys)
    }

    fn in_a_cluster(keys: &str) -> Result<Load, String> {
        parse("runtimes: [kubernetes]\nruntimes_because: Pods send the tasks.\n", keys)
    }

    fn parse(runtimes: &str, keys: &str) -> Result<Load, String> {
        let text = format!("name: own\ndescription: A test's own.\n{runtimes}steps:\n  - load: {{{keys}}}\n");
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).map_err(|error| format!("{error:?}"))?;
        match &file.variants[0].scenario.steps[0].kind {
            StepKind::Load(load) => Ok(load.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Each is refused with its place and a remedy, before anything is started.
    #[rstest::rstest]
    #[case::no_pattern("tasks: 5, payload: x", "`rate` or `concurrency` is missing")]
    #[case::two_patterns("tasks: 5, rate: 1, concurrency: 1, payload: x", "both `rate` and `concurrency` are given")]
    #[case::no_end("rate: 1, payload: x", "`tasks` or `duration` is missing")]
    #[case::no_rate("rate: 0, tasks: 5, payload: x", "0.01")]
    #[case::no_tasks("rate: 1, tasks: 0, payload: x", "1")]
    #[case::no_time("rate: 1, duration: 0s, payload: x", "`duration` must be longer than zero")]
    #[case::no_limit("rate: 1, tasks: 1, within: 0s, payload: x", "`within` must be longer than zero")]
    #[case::no_payload("rate: 1, tasks: 1", "`payload` is missing")]
    #[case::empty_payload("rate: 1, tasks: 1, payload: ''", "empty payload")]
    #[case::payload_and_mix("rate: 1, tasks: 1, payload: x, mix: [{payload: y}]", "both a payload and `mix` are given")]
    #[case::empty_in_mix("rate: 1, tasks: 1, mix: [{payload: x}, {payload: ''}]", "empty payload")]
    #[case::no_workers("rate: 1, tasks: 2, payload: x, workers: 0", "1")]
    #[case::everywhere(
        "rate: 1, tasks: 5, payload: x, workers: 3",
        "only the kubernetes runtime has `workers` of `load`"
    )]
    #[case::two_results("rate: 1, tasks: 1, mix: [{payload: x, result: a, result_hex: '0x00'}]", "both `result` and")]
    fn a_wrong_load_is_refused(#[case] keys: &str, #[case] problem: &str) {
        let error = load(keys).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }

    /// A step that hangs must end, and one that only takes its time must not be ended.
    #[rstest::rstest]
    #[case::rate("rate: 50, tasks: 500, payload: x", 50 + 30 + 30)]
    #[case::slow_rate("rate: 0.5, tasks: 30, within: 5s, payload: x", 60 + 5 + 30)]
    #[case::duration("rate: 5, duration: 20s, payload: x", 20 + 30 + 30)]
    #[case::at_a_time("concurrency: 4, duration: 20s, payload: x", 20 + 30 + 30)]
    #[case::each_uses_up_its_time("concurrency: 4, tasks: 10, within: 5s, payload: x", 3 * 5 + 5 + 30)]
    fn the_limit_allows_for_what_the_step_allows(#[case] keys: &str, #[case] seconds: u64) {
        let load = load(keys).unwrap();
        assert_eq!(StepDefinition::within(&load), Duration::from_secs(seconds));
    }

    #[test]
    fn workers_take_time_to_start() {
        let load = in_a_cluster("rate: 50, tasks: 500, payload: x, workers: 3").unwrap();
        assert_eq!(load.workers, Some(3));
        assert_eq!(StepDefinition::within(&load), Duration::from_secs(50 + 30 + 30 + 120));
    }

    /// A worker without a task is a mistake in the numbers.
    #[rstest::rstest]
    #[case::of_tasks("rate: 1, tasks: 2, payload: x, workers: 3", "3 workers cannot share 2 tasks\"")]
    #[case::at_a_time("concurrency: 2, tasks: 9, payload: x, workers: 3", "3 workers cannot share 2 tasks at a time")]
    fn idle_workers_are_refused(#[case] keys: &str, #[case] problem: &str) {
        let error = in_a_cluster(keys).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }

    #[test]
    fn a_single_payload_is_a_mix_of_one() {
        let load = load("rate: 1, tasks: 1, payload: '0x04', result: '0x10'").unwrap();
        let payloads = load.payloads();
        assert_eq!((payloads.len(), payloads[0].weight), (1, 1));
        assert_eq!(
            (payloads[0].payload_bytes(), payloads[0].result_bytes()),
            (b"0x04".to_vec(), Some(b"0x10".to_vec()))
        );
    }
}
