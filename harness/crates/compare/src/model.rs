//! The result of a comparison: what `harness compare --json FILE` writes, and what reports render.

use std::collections::BTreeMap;

use hourglass_base::Version;
use hourglass_component::text::safe_json;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::machine::Machine;

/// The version of the document. It rises when a key is removed or changes its meaning; not when one is added.
pub const COMPARISON_VERSION: u32 = 1;

/// A comparison of two sides after its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Comparison of two runtimes")]
pub struct Comparison {
    /// Rises when a key goes or changes its meaning; not when one is added.
    #[serde(deserialize_with = "this_version")]
    pub version: Version<COMPARISON_VERSION>,
    /// When it began, on the wall clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// The seed of the order of the trials and of the resampling.
    pub seed: u64,
    /// How many rounds were requested, without those that warm up.
    pub runs: usize,
    /// How many rounds came before and are not in any figure.
    pub warm_up: usize,
    /// The two sides. A ratio is the second's figure by the first's.
    pub sides: [Side; 2],
    /// The scenarios; each is compared by itself.
    pub scenarios: Vec<String>,
    /// The metric that decides.
    pub primary: String,
    /// Where it ran.
    pub machine: Machine,
    /// All trials in the order in which they ran, those of warm-up rounds and discarded ones too.
    pub samples: Vec<Sample>,
    /// Each metric of each scenario; of a scenario, the primary one comes first.
    pub metrics: Vec<MetricComparison>,
    /// What the gates came to.
    pub gates: Vec<GateResult>,
}

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// All rounds were run.
    Complete,
    /// The machine was too busy: of more than a fifth of the trials, other machines had taken processor time.
    TooBusy {
        /// How many trials were discarded for it.
        discarded: usize,
        /// How many trials were to be measured.
        planned: usize,
    },
    /// A trial did not pass.
    TrialFailed {
        /// Its name.
        trial: String,
    },
    /// The user ended it.
    Interrupted,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// Its name: the runtime, or `docker#2` for the second side of `docker,docker`.
    pub name: String,
    /// Its runtime.
    pub runtime: String,
}

/// One trial of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The scenario, for example `square`, or `square::chain_l1` for a combination of its matrix.
    pub scenario: String,
    /// The name of its side.
    pub side: String,
    /// Its round, from 1; rounds that warm up are counted by themselves.
    pub round: usize,
    /// Whether its round warms up.
    pub warm_up: bool,
    /// When it began, on the wall clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// The share of the processors' time that other machines took while it ran, in percent; absent where the system does
    /// not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// Why it is in no figure, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<String>,
    /// Its values by the names of the metrics, in the unit of each.
    pub values: BTreeMap<String, f64>,
}

/// One metric of one scenario on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricComparison {
    /// The scenario.
    pub scenario: String,
    /// The metric, for example `verified`.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// The unit of its values.
    pub unit: Unit,
    /// Whether it is the metric that decides.
    pub primary: bool,
    /// The rounds of the samples: both sides have one of each. Empty if only one side has the metric.
    pub rounds: Vec<usize>,
    /// The figures of both sides, in their order.
    pub sides: [Figures; 2],
    /// The ratio of the medians, second side by first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// The difference of the medians, second side less first, in the unit of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// The two-sided p-value of the signed-rank test on the rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// The same after Holm's correction: over the scenarios for the primary metric, over all others for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_p: Option<f64>,
    /// What that means.
    pub verdict: MetricVerdict,
    /// About how many rounds narrow the interval enough, if it is too wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_needed: Option<usize>,
    /// The result in words.
    pub sentence: String,
}

/// The figures of a metric on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// The name of the side.
    pub side: String,
    /// The values in the order of the rounds.
    pub samples: Vec<f64>,
    /// Their median; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Their 95th percentile, interpolated between the two nearest samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
}

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// Its bootstrap 95 % interval.
    pub interval: Interval,
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What a metric tells about the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricVerdict {
    /// They differ: the corrected p-value is at most 0.01.
    Different,
    /// No difference was found, which does not say that there is none.
    NoDifferenceFound,
    /// Only one side has the metric, or no round has it on both.
    NotCompared,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds that pass.
    Milliseconds,
    /// Seconds of one processor.
    ProcessorSeconds,
    /// Bytes of memory.
    Bytes,
    /// Tasks in a second.
    TasksPerSecond,
    /// Gas of transactions.
    Gas,
}

/// What a gate came to in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The gate as it was written.
    pub gate: String,
    /// The scenario.
    pub scenario: String,
    /// Whether it held.
    pub held: bool,
    /// The figure that was held against the limit: a ratio, or a value in the unit of the metric. Absent if the metric has
    /// no samples, in which case the gate does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<f64>,
    /// The bootstrap 95 % interval of the figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The result in words.
    pub sentence: String,
}

/// Why a document is no comparison that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// Its JSON, or its keys.
    #[error("it is not the JSON report of a comparison")]
    Malformed(#[from] serde_json::Error),
    /// Its version.
    #[error("its version is {found}, and this harness reads version {COMPARISON_VERSION}")]
    Version {
        /// The version that it names.
        found: String,
    },
}

fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version<COMPARISON_VERSION>, D::Error> {
    match u32::deserialize(deserializer)? {
        COMPARISON_VERSION => Ok(Version),
        found => Err(D::Error::custom(format!("version {found} is not {COMPARISON_VERSION}"))),
    }
}

impl Comparison {
    /// The comparison that such a document holds.
    pub fn from_json(text: &[u8]) -> Result<Self, ComparisonError> {
        let document: Value = serde_json::from_slice(text)?;
        match document.get("version") {
            Some(version) if *version != COMPARISON_VERSION => {
                Err(ComparisonError::Version { found: version.to_string() })
            }
            _ => Ok(serde_json::from_value(document)?),
        }
    }

    /// The document, with a line feed at its end.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&safe_json(self)?).map(|text| text + "\n")
    }

    /// The metric of this name in this scenario.
    pub fn metric(&self, scenario: &str, name: &str) -> Option<&MetricComparison> {
        self.metrics.iter().find(|metric| metric.scenario == scenario && metric.name == name)
    }

    /// The samples that were left out because the machine was too busy.
    pub fn discarded(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.discarded.is_some())
    }
}
