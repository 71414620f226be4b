//! The sum of a run.

use std::time::Duration;

use jiff::Timestamp;

use crate::runner::{
    parity::{Parity, ParityVerdict},
    verdict::{ExitStatus, TrialReport, Verdict},
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
    /// The names of trials that were announced and never ended: those that an interruption left out, or worse.
    pub not_run: Vec<String>,
    /// What the comparisons between runtimes came to.
    pub parity: Vec<Parity>,
}

impl RunReport {
    /// What the process tells its caller. A trial without an end is never a success.
    pub fn exit_status(&self) -> ExitStatus {
        let parity = self.parity.iter().map(Parity::status).max().unwrap_or(ExitStatus::Passed);
        let status = ExitStatus::of(self.trials.iter().map(|trial| &trial.verdict)).max(parity);
        if self.not_run.is_empty() { status } else { status.max(ExitStatus::Environment) }
    }

    /// How many ended how, in the words of other test tools: `9 passed, 1 failed`, and what else there is.
    pub(super) fn tally(&self) -> String {
        let count = |is: fn(&Verdict) -> bool| self.trials.iter().filter(|trial| is(&trial.verdict)).count();
        let passed = count(|verdict| matches!(verdict, Verdict::Passed));
        let failed = count(|verdict| matches!(verdict, Verdict::Failed { .. }));
        let errors = count(|verdict| matches!(verdict, Verdict::EnvironmentFailed { .. }));
        let always = [format!("{passed} passed"), format!("{failed} failed")];
        let sometimes = [
            (errors, if errors == 1 { "environment error" } else { "environment errors" }),
            (count(|verdict| matches!(verdict, Verdict::Skipped { .. })), "skipped"),
            (count(|verdict| matches!(verdict, Verdict::Interrupted)), "interrupted"),
            (self.not_run.len(), "not run"),
        ];
        let sometimes = sometimes.into_iter().filter(|(count, _)| *count > 0);
        always
            .into_iter()
            .chain(sometimes.map(|(count, what)| format!("{count} {what}")))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The same for the comparisons between runtimes; nothing where there were none.
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
    use crate::report::samples;

    #[test]
    fn a_trial_that_never_ended_is_not_a_success() {
        let report = RunReport {
            trials: vec![samples::passed()],
            not_run: vec!["process::burst".to_owned()],
            ..RunReport::default()
        };
        assert_eq!(report.exit_status(), ExitStatus::Environment, "a trial that vanished was counted as passed");
    }
}
