//! The result of a trial: its verdict, its durations, and the location of its evidence.
//!
//! Created by the runner, read by every reporter; nothing here knows how it is shown.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use hourglass_component::text::cut;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use hourglass_base::ExitStatus;

pub use hourglass_timeline::{ComponentUsage, TaskPhases};
use hourglass_timeline::{Event, Trace};

use super::durations;
pub use super::durations::serialize as milliseconds;

/// One trial after its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialReport {
    /// The trial's name, for example `process::square`.
    pub trial: String,
    /// The scenario file.
    pub scenario: PathBuf,
    /// The runtime, the first part of the name.
    pub runtime: String,
    /// When the trial began, on the wall clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// From the beginning of the stand-up to the end of the teardown; milliseconds in JSON.
    #[serde(rename = "duration_ms", with = "durations")]
    #[schemars(with = "f64")]
    pub duration: Duration,
    /// Stand-up, steps and teardown, in their order; those that were reached.
    pub phases: Vec<Phase>,
    /// How it ended.
    pub verdict: Verdict,
    /// The steps in the order in which they began, then those that did not begin.
    pub steps: Vec<StepReport>,
    /// The tasks that it created, in their order.
    pub tasks: Vec<TaskReport>,
    /// What its components used, in the order of their names; those of which the runtime knows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<ComponentUsage>,
    /// The trial's folder: `timeline.jsonl` and the logs of the components.
    pub directory: PathBuf,
    /// Whether the folder is still there: that of a trial that passed is removed, unless it is still running.
    pub kept: bool,
    /// What it did, for the comparison with other runtimes.
    #[serde(skip)]
    pub trace: Trace,
    /// The entries of its timeline in the order of their times; a trial that passed has no folder with them.
    #[serde(skip)]
    pub events: Arc<[Event]>,
    /// What was left running, by name and address; `harness gc` ends it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub running: BTreeMap<String, String>,
    /// The options that the command line had for it, as words of a command that runs it again.
    #[serde(skip)]
    pub options: Arc<[String]>,
}

/// A part of a trial and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// `stand-up`, `steps` or `teardown`.
    pub name: String,
    /// How long it took; milliseconds in JSON.
    #[serde(rename = "duration_ms", with = "durations")]
    #[schemars(with = "f64")]
    pub duration: Duration,
}

/// A step of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepReport {
    /// Its kind, and its name in parentheses if it has one: `expect_verified (the square)`.
    pub title: String,
    /// The file and line where it is written, for example `scenarios/square.yaml:12`.
    pub place: String,
    /// The line alone, counted from 1.
    pub line: usize,
    /// How it ended.
    pub outcome: StepOutcome,
    /// From the beginning of the trial to that of the step; milliseconds in JSON. A step that did not begin has none.
    #[serde(rename = "began_ms", default, with = "durations::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub began: Option<Duration>,
    /// How long it took; milliseconds in JSON. A step that did not end has none.
    #[serde(rename = "duration_ms", default, with = "durations::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub duration: Option<Duration>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It did what it says.
    Done,
    /// Its expectation was not met.
    Failed,
    /// The environment did not allow it.
    CouldNotBeDone,
    /// The trial ended before it.
    NotEnded,
    /// The trial ended before it began.
    NotBegun,
}

impl StepOutcome {
    /// The outcome in words, as in entries of the timeline.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::CouldNotBeDone => "could not be done",
            Self::NotEnded => "not ended",
            Self::NotBegun => "not begun",
        }
    }

    /// The outcome with this word.
    pub(crate) fn of(word: &str) -> Self {
        let all = [Self::Done, Self::Failed, Self::CouldNotBeDone, Self::NotEnded, Self::NotBegun];
        all.into_iter().find(|outcome| outcome.word() == word).unwrap_or(Self::NotEnded)
    }
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was expected was seen, and every invariant held.
    Passed,
    /// Something else was seen than was expected.
    Failed {
        /// What was not as expected; never empty.
        violations: Vec<Violation>,
    },
    /// The environment could not be stood up or broke: this says nothing about what was tested.
    EnvironmentFailed {
        /// The error with all its causes.
        error: String,
        /// What a user can do about it, where that is known.
        remedy: Option<String>,
    },
    /// The scenario asks for what the environment cannot do by its kind: nothing was tested, and nothing is broken.
    Skipped {
        /// What that is, and where it can be done.
        reason: String,
    },
    /// The user ended the run before the trial had ended.
    Interrupted,
}

impl Verdict {
    /// The verdict in a word, as in records.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::EnvironmentFailed { .. } => "environment failed",
            Self::Interrupted => "interrupted",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// Whether the result needs attention.
    pub fn is_trouble(&self) -> bool {
        !matches!(self, Self::Passed | Self::Skipped { .. })
    }
}

/// The limit of one text in a report, in bytes.
pub const TEXT_LIMIT: usize = 16 << 10;
/// The limit of violations of a trial in a report.
pub const VIOLATIONS_LIMIT: usize = 100;

impl Verdict {
    /// The verdict at a size that a report can hold: long texts are cut with a remark, and violations beyond the limit
    /// are counted.
    #[must_use]
    pub(crate) fn bounded(self) -> Self {
        let text = |text: String| cut(&text, TEXT_LIMIT).into_owned();
        match self {
            Self::Failed { mut violations } => {
                let more = violations.len().saturating_sub(VIOLATIONS_LIMIT);
                violations.truncate(VIOLATIONS_LIMIT);
                let shown = violations.into_iter().map(|violation| Violation {
                    what: text(violation.what),
                    expected: text(violation.expected),
                    seen: text(violation.seen),
                    ..violation
                });
                let more = (more > 0).then(|| Violation {
                    what: "further violations".to_owned(),
                    place: None,
                    expected: "none".to_owned(),
                    seen: format!("{more} more than this report holds"),
                    task: None,
                    timeline: Vec::new(),
                });
                Self::Failed { violations: shown.chain(more).collect() }
            }
            Self::EnvironmentFailed { error, remedy } => Self::EnvironmentFailed { error: text(error), remedy },
            Self::Skipped { reason } => Self::Skipped { reason: text(reason) },
            Self::Passed | Self::Interrupted => self,
        }
    }
}

/// One step or invariant that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The step or the invariant, for example `expect_verified`.
    pub what: String,
    /// Where in the scenario it is written, for example `scenarios/square.yaml:12`; an invariant that always holds
    /// is written nowhere.
    pub place: Option<String>,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen instead, in words.
    pub seen: String,
    /// The hash of the task concerned, if it is one.
    pub task: Option<String>,
    /// The last timeline entries of that task, rendered, in their order.
    pub timeline: Vec<String>,
}

/// A task of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskReport {
    /// What the scenario calls it.
    pub alias: String,
    /// The task hash.
    pub hash: String,
    /// The AVS that it is for; left out for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avs: Option<String>,
    /// The chain that its mailbox is on.
    pub chain: String,
    /// Its last status in the words of the mailbox: CREATED, VERIFIED or EXPIRED.
    pub status: String,
    /// When it reached which stage.
    pub phases: TaskPhases,
    /// What its transactions took, as far as that is known.
    #[serde(default, skip_serializing_if = "TaskGas::is_unknown")]
    pub gas: TaskGas,
}

/// The gas of a task's transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskGas {
    /// Of its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// Of the submission of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<u64>,
}

impl TaskGas {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Verdict> for ExitStatus {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed | Verdict::Skipped { .. } => Self::Passed,
            Verdict::Failed { .. } => Self::Failed,
            Verdict::EnvironmentFailed { .. } => Self::Environment,
            Verdict::Interrupted => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::nothing_ran(&[], 0)]
    #[case::all_passed(&[Verdict::Passed, Verdict::Passed], 0)]
    #[case::one_was_skipped(&[Verdict::Passed, Verdict::Skipped { reason: "no nodes".to_owned() }], 0)]
    #[case::one_failed(&[Verdict::Failed { violations: vec![] }, Verdict::Passed], 1)]
    #[case::one_could_not_be_run(&[broken(), Verdict::Passed], 3)]
    #[case::failure_outweighs_environment(&[broken(), Verdict::Failed { violations: vec![] }, broken()], 1)]
    #[case::interruption_outweighs_all(&[Verdict::Interrupted, broken(), Verdict::Failed { violations: vec![] }], 130)]
    fn the_exit_code_of_a_set_is_that_of_its_gravest_verdict(#[case] verdicts: &[Verdict], #[case] code: u8) {
        assert_eq!(ExitStatus::of(verdicts).code(), code, "{verdicts:?}");
    }

    /// A report must not become megabytes because a value is.
    #[test]
    fn texts_beyond_the_limit_are_cut_with_a_remark() {
        let long = "x".repeat(3 << 20);
        let violation = Violation {
            what: "expect_verified".to_owned(),
            place: None,
            expected: long.clone(),
            seen: long.clone(),
            task: None,
            timeline: vec![],
        };
        let Verdict::Failed { violations } = (Verdict::Failed { violations: vec![violation; 103] }).bounded() else {
            panic!("another verdict")
        };
        assert_eq!(violations.len(), VIOLATIONS_LIMIT + 1);
        assert_eq!(violations[VIOLATIONS_LIMIT].seen, "3 more than this report holds");
        let size: usize = violations.iter().map(|violation| violation.expected.len() + violation.seen.len()).sum();
        assert!(size < 101 * 2 * (TEXT_LIMIT + 100) && violations[0].seen.contains("bytes of 3145728 are shown"));
        let error = Verdict::EnvironmentFailed { error: long, remedy: None }.bounded();
        assert!(matches!(error, Verdict::EnvironmentFailed { error, .. } if error.len() < TEXT_LIMIT + 100));
    }

    fn broken() -> Verdict {
        Verdict::EnvironmentFailed { error: "start anvil".to_owned(), remedy: None }
    }
}
