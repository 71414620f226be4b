//! The result of a run.

use std::time::Duration;

use hourglass_base::ExitStatus;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use hourglass_runner::{
    parity::{Parity, ParityVerdict},
    verdict::{TrialReport, Verdict},
};

/// All trials of a run after its end.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct RunReport {
    /// When the run began, on the wall clock.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The trials that ended, in the order of their ends.
    pub trials: Vec<TrialReport>,
    /// The names of trials that were announced and never ended, for example because of an interruption.
    pub not_run: Vec<String>,
    /// The trial whose failure ended the run before all trials had started.
    pub stopped_by: Option<String>,
    /// The results of the comparisons between runtimes.
    pub parity: Vec<Parity>,
    /// The status of a run that started no trial because its request was wrong.
    pub not_begun: Option<ExitStatus>,
}

/// How many trials ended how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Summary {
    /// Everything that was expected was seen.
    pub passed: usize,
    /// Something else was seen than was expected.
    pub failed: usize,
    /// Their environment could not be stood up or broke.
    pub environment_failed: usize,
    /// They ask for what their environment cannot do by its kind.
    pub skipped: usize,
    /// The user ended the run before they had ended.
    pub interrupted: usize,
    /// They were announced and never ended.
    pub not_run: usize,
}

impl RunReport {
    /// The exit status of the process. A trial without an end is never a success.
    pub fn exit_status(&self) -> ExitStatus {
        if let Some(status) = self.not_begun {
            return status;
        }
        let parity = self.parity.iter().map(Parity::status).max().unwrap_or(ExitStatus::Passed);
        let status = ExitStatus::of(self.trials.iter().map(|trial| &trial.verdict)).max(parity);
        if self.not_run.is_empty() { status } else { status.max(ExitStatus::Environment) }
    }

    /// The number of trials for each result.
    pub(super) fn summary(&self) -> Summary {
        let count = |is: fn(&Verdict) -> bool| self.trials.iter().filter(|trial| is(&trial.verdict)).count();
        Summary {
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            failed: count(|verdict| matches!(verdict, Verdict::Failed { .. })),
            environment_failed: count(|verdict| matches!(verdict, Verdict::EnvironmentFailed { .. })),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped { .. })),
            interrupted: count(|verdict| matches!(verdict, Verdict::Interrupted)),
            not_run: self.not_run.len(),
        }
    }

    /// The number of trials for each result, in the words of other test tools: `9 passed, 1 failed`, and further
    /// results.
    pub(super) fn tally(&self) -> String {
        let summary = self.summary();
        let always = [format!("{} passed", summary.passed), format!("{} failed", summary.failed)];
        let errors = summary.environment_failed;
        let sometimes = [
            (errors, if errors == 1 { "environment error" } else { "environment errors" }),
            (summary.skipped, "skipped"),
            (summary.interrupted, "interrupted"),
            (summary.not_run, "not run"),
        ];
        let sometimes = sometimes.into_iter().filter(|(count, _)| *count > 0);
        always
            .into_iter()
            .chain(sometimes.map(|(count, what)| format!("{count} {what}")))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The part of the result that the exit code does not express: failed trials hide those that could not be run.
    pub(super) fn unsaid(&self) -> Option<String> {
        let summary = self.summary();
        let count = summary.environment_failed + if self.stopped_by.is_some() { 0 } else { summary.not_run };
        let failed = self.exit_status() == ExitStatus::Failed && count > 0;
        let subject = if count == 1 { "1 trial".to_owned() } else { format!("{count} trials") };
        failed.then(|| {
            let code = ExitStatus::Failed.code();
            format!("exit code {code} for what failed; {subject} could not be run, which says nothing about what was to be tested")
        })
    }

    /// Why trials were not started, if one that failed is the reason.
    pub(super) fn stopped(&self) -> Option<String> {
        let count = self.not_run.len();
        let subject = if count == 1 { "1 trial was".to_owned() } else { format!("{count} trials were") };
        self.stopped_by.as_ref().map(|trial| format!("{subject} not started, because {trial} had failed"))
    }

    /// [`RunReport::tally`] for the comparisons between runtimes; `None` if there were none.
    pub(super) fn parity_tally(&self) -> Option<String> {
        let count = |is: fn(&ParityVerdict) -> bool| self.parity.iter().filter(|parity| is(&parity.verdict)).count();
        let passed = count(|verdict| matches!(verdict, ParityVerdict::Passed));
        let failed = count(|verdict| matches!(verdict, ParityVerdict::Failed { .. }));
        let not_compared = self.parity.len() - passed - failed;
        let rest = if not_compared > 0 { format!(", {not_compared} not compared") } else { String::new() };
        (!self.parity.is_empty()).then(|| format!("{passed} passed, {failed} failed{rest}"))
    }

    /// The trials that did not pass.
    pub(super) fn not_passed(&self) -> impl Iterator<Item = &TrialReport> {
        self.trials.iter().filter(|trial| trial.verdict != Verdict::Passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_trial_that_never_ended_is_not_a_success() {
        let report = RunReport {
            trials: vec![samples::passed()],
            not_run: vec!["process::burst".to_owned()],
            ..RunReport::default()
        };
        assert_eq!(report.exit_status(), ExitStatus::Environment, "a trial that vanished was counted as passed");
    }

    /// What the user asked for is not a failure of the environment.
    #[test]
    fn trials_that_were_not_started_after_a_failure_are_counted_and_explained() {
        let report = RunReport {
            trials: vec![samples::failed()],
            not_run: vec!["process::burst".to_owned()],
            stopped_by: Some(samples::failed().trial),
            ..RunReport::default()
        };
        assert_eq!((report.exit_status(), report.unsaid()), (ExitStatus::Failed, None));
        assert_eq!(report.tally(), "0 passed, 1 failed, 1 not run");
        let expected = "1 trial was not started, because process::wrong_result[n=4] had failed";
        assert_eq!(report.stopped().as_deref(), Some(expected));
    }

    /// Neither hides the other: the failure decides the code, and the trial that could not be run is reported.
    #[test]
    fn a_failure_and_an_environment_error_are_both_reported() {
        let both = RunReport { trials: vec![samples::failed(), samples::broken()], ..RunReport::default() };
        assert_eq!(both.exit_status(), ExitStatus::Failed);
        assert_eq!(both.tally(), "0 passed, 1 failed, 1 environment error");
        assert!(both.unsaid().unwrap().starts_with("exit code 1 for what failed; 1 trial could not be run"));
        for trials in [vec![samples::failed()], vec![samples::broken()]] {
            assert_eq!(RunReport { trials, ..RunReport::default() }.unsaid(), None);
        }
    }
}
