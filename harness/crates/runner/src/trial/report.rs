//! What a trial came to and left: its report, what its logs hold against it, and the files that are its evidence.

use std::{fs, io, path::Path};

use hourglass_component::{causes::with_causes, keys::H256, text::safe, timeout::timeout};
use hourglass_runtime::RuntimeError;
use hourglass_timeline::{Trace, with_lanes};

use super::{LAST_ENTRIES, TrialExecution};
use crate::{
    EnvironmentError,
    blame::UnderTest,
    disk_space::Room,
    failure::{StepFailure, remedy},
    invariants,
    limits::REPORT_AFTER_FAILURE_WITHIN,
    proof, task_reports, traces,
    verdict::{TaskReport, TrialReport, Verdict, Violation},
    world::World,
};

/// ERROR records that a report shows one by one.
const ERRORS_SHOWN: usize = 20;

impl TrialExecution<'_> {
    /// The report at the end of the trial.
    pub(super) fn report(mut self, folder: &Path, error: Option<EnvironmentError>, interrupted: bool) -> TrialReport {
        let verdict = match error {
            _ if interrupted => Verdict::Interrupted,
            Some(error) => verdict_of(&error),
            None if self.violations.is_empty() => Verdict::Passed,
            None => Verdict::Failed { violations: std::mem::take(&mut self.violations) },
        };
        let verdict = if self.trial.proof { proof::judged(verdict, &self.trial.path) } else { verdict };
        // A stand-up that fails early has made no folder.
        let kept = (verdict.is_trouble() || !self.running.is_empty()) && folder.exists() && !self.handed_over;
        let tasks = std::mem::take(&mut self.tasks);
        let report = self.report_with(verdict, tasks, folder, kept);
        let trace = Trace {
            steps: traces::steps(&self.timeline),
            tasks: with_lanes(self.facts, &self.timeline, self.taking_down),
        };
        TrialReport { trace, ..report }
    }

    /// The report of the trial as it is now, with this failure of a step as its verdict.
    pub(crate) async fn report_so_far(&self, world: &World, folder: &Path, failure: &StepFailure) -> TrialReport {
        let verdict = match failure {
            StepFailure::Violation(violation) => Verdict::Failed { violations: vec![(**violation).clone()] },
            StepFailure::Environment(error) => match self.blamed(error) {
                Some(violation) => Verdict::Failed { violations: vec![violation] },
                None => verdict_of(error),
            },
        };
        let mut tasks = task_reports::of_world(world);
        // A chain that does not answer is told elsewhere.
        let _ = timeout(REPORT_AFTER_FAILURE_WITHIN, task_reports::note_statuses(world, &mut tasks)).await;
        let events = self.timeline.sorted();
        task_reports::fill_phases(&mut tasks, &events);
        self.report_with(verdict, tasks, folder, folder.exists())
    }

    /// What is the same in every report of the trial, whenever it is made.
    fn report_with(&self, verdict: Verdict, tasks: Vec<TaskReport>, folder: &Path, kept: bool) -> TrialReport {
        TrialReport {
            trial: self.trial.name.clone(),
            scenario: self.trial.path.to_path_buf(),
            runtime: self.trial.runtime.to_string(),
            started: self.started,
            duration: self.clock.elapsed(),
            phases: self.phases.clone(),
            verdict: verdict.bounded(),
            tasks,
            directory: folder.to_owned(),
            kept,
            running: self.running.clone(),
            trace: Trace::default(),
        }
    }

    /// The violation that an error is, where a part under test is to blame for it.
    pub(super) fn blamed(&self, error: &EnvironmentError) -> Option<Violation> {
        let tested = UnderTest::of(&self.trial.scenario.components, self.trial.runtime);
        tested.violation(error, || self.timeline.last_lines(None, LAST_ENTRIES, self.started))
    }

    pub(super) fn fill_phases(&mut self) {
        task_reports::fill_phases(&mut self.tasks, &self.timeline.sorted());
    }

    /// Judged at the very end: components may complain while they are taken down.
    pub(super) fn log_invariant(&mut self) {
        let events = self.timeline.sorted();
        let violation = |expected: &str, seen: String, task: Option<H256>| Violation {
            what: "invariant: no ERROR in a log".to_owned(),
            place: None,
            expected: expected.to_owned(),
            seen,
            task: task.map(|task| format!("{task:?}")),
            timeline: self.timeline.last_lines(task, LAST_ENTRIES, self.started),
        };
        let found = match invariants::in_logs(&events, self.trial, self.taking_down) {
            Ok(errors) => {
                let expected = "no ERROR record that invariants.allowed_errors does not match";
                let more = errors.len().saturating_sub(ERRORS_SHOWN);
                let shown = errors.into_iter().take(ERRORS_SHOWN);
                let shown = shown
                    .map(|(text, event)| violation(expected, format!("{}: {text}", event.source), event.task_hash));
                let more = (more > 0).then(|| violation(expected, format!("{more} more, in timeline.jsonl"), None));
                shown.chain(more).collect()
            }
            Err(reason) => vec![violation("expressions in invariants.allowed_errors that can be used", reason, None)],
        };
        self.violations.extend(found);
        // Not to be judged is no pass.
        for (component, what) in self.timeline.unjudged() {
            let seen = format!("{component}: left out of the timeline are {what}");
            self.violations.push(violation("output that can be judged to its end", seen, None));
        }
    }

    /// What cannot be written is missing in the evidence, and the components could not write either: whatever else the
    /// trial came to, it says nothing. A stand-up that failed early has made no folder.
    pub(super) fn write_evidence(&self, folder: &Path) -> Result<(), EnvironmentError> {
        if !folder.exists() {
            return Ok(());
        }
        Room::in_folder(folder)?;
        let path = folder.join("timeline.jsonl");
        self.timeline.write(&path).map_err(|source| EnvironmentError::File { path, source })?;
        self.write_scenario(&folder.join("scenario.yaml"))
    }

    /// What was run, with its variables filled in and its defaults spelled out.
    fn write_scenario(&self, path: &Path) -> Result<(), EnvironmentError> {
        let fail = |source| EnvironmentError::File { path: path.to_owned(), source };
        let text = serde_yaml::to_string(&*self.trial.scenario).map_err(|error| fail(io::Error::other(error)))?;
        hourglass_base::private::write(path, safe(&text).as_bytes()).map_err(|source| {
            // No half of a file stays.
            let _ = fs::remove_file(path);
            fail(source)
        })
    }
}

/// How a trial ended that an error ended.
fn verdict_of(error: &EnvironmentError) -> Verdict {
    match error {
        EnvironmentError::Runtime(RuntimeError::Inapplicable { reason }) => Verdict::Skipped { reason: reason.clone() },
        error => {
            Verdict::EnvironmentFailed { error: format!("failed to {}", with_causes(error)), remedy: remedy(error) }
        }
    }
}
