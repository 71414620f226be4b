//! The results of a trial: its report, the errors in its logs, and the files with its evidence.

use std::{io, path::Path, sync::Arc};

use hourglass_base::blocking;
use hourglass_component::{causes::with_causes, text::safe, timeout::timeout};
use hourglass_runtime::RuntimeError;
use hourglass_scenario::Scenario;
use hourglass_timeline::{Event, Trace, with_lanes};

use super::TrialExecution;
use crate::{
    EnvironmentError,
    blame::UnderTest,
    disk_space::Room,
    failure::{StepFailure, remedy},
    invariants::{self, Aftermath},
    limits::REPORT_AFTER_FAILURE_WITHIN,
    proof, step_reports, task_reports, traces,
    verdict::{TaskReport, TrialReport, Verdict, Violation},
    world::{LAST_ENTRIES, World},
};

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
        // A trial that fails early in its start has no folder.
        let kept = (verdict.is_trouble() || !self.running.is_empty()) && folder.exists() && !self.handed_over;
        let tasks = std::mem::take(&mut self.tasks);
        let events = self.timeline.sorted();
        let report = self.report_with(verdict, tasks, &events, folder, kept);
        let trace = Trace {
            steps: traces::steps(&self.timeline),
            tasks: with_lanes(self.facts, &self.timeline, self.taking_down),
        };
        TrialReport { trace, events: events.into(), ..report }
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
        // Other code reports a chain that does not answer.
        let _ = timeout(REPORT_AFTER_FAILURE_WITHIN, task_reports::note_statuses(world, &mut tasks)).await;
        let events = self.timeline.sorted();
        task_reports::fill_phases(&mut tasks, &events);
        self.report_with(verdict, tasks, &events, folder, folder.exists())
    }

    /// The part that is the same in every report of the trial, whenever it is made.
    fn report_with(
        &self,
        verdict: Verdict,
        tasks: Vec<TaskReport>,
        events: &[Event],
        folder: &Path,
        kept: bool,
    ) -> TrialReport {
        // Steps that a test requests are in the timeline alone.
        let steps = if self.on_request { &[][..] } else { &self.trial.scenario.steps };
        TrialReport {
            trial: self.trial.name.clone(),
            scenario: self.trial.path.to_path_buf(),
            runtime: self.trial.runtime.to_string(),
            started: self.started,
            duration: self.clock.elapsed(),
            phases: self.phases.clone(),
            verdict: verdict.bounded(),
            steps: step_reports::of(steps, events, self.started),
            tasks,
            usage: self.usage.clone(),
            directory: folder.to_owned(),
            kept,
            running: self.running.clone(),
            options: Arc::clone(&self.trial.options),
            trace: Trace::default(),
            events: Arc::default(),
        }
    }

    /// The violation for an error, if a component under test is to blame for it.
    pub(super) fn blamed(&self, error: &EnvironmentError) -> Option<Violation> {
        let tested = UnderTest::of(&self.trial.scenario.components, self.trial.runtime);
        tested.violation(error, || self.timeline.last_lines(None, LAST_ENTRIES, self.started))
    }

    pub(super) fn fill_phases(&mut self) {
        task_reports::fill_phases(&mut self.tasks, &self.timeline.sorted());
    }

    /// The violations that the evidence of the trial shows so far.
    pub(super) fn aftermath(&self) -> Vec<Violation> {
        let judge = if self.open_ended { invariants::nothing_left } else { invariants::taken_down };
        judge(&Aftermath {
            trial: self.trial,
            started: self.started,
            timeline: &self.timeline,
            events: &self.timeline.sorted(),
            taking_down: self.taking_down,
            leaks: &self.leaks,
        })
    }

    /// If the evidence cannot be written, it is incomplete, and the components could not write either: the trial then
    /// says nothing, whatever its result was. A trial that failed early in its start has no folder.
    pub(super) async fn write_evidence(&self, folder: &Path) -> Result<(), EnvironmentError> {
        let (timeline, scenario) = (self.timeline.clone(), Arc::clone(&self.trial.scenario));
        let folder = folder.to_owned();
        blocking(move || {
            if !folder.exists() {
                return Ok(());
            }
            Room::in_folder(&folder)?;
            let path = folder.join("timeline.jsonl");
            timeline.write(&path).map_err(|source| EnvironmentError::File { path, source })?;
            write_scenario(&scenario, &folder.join("scenario.yaml"))
        })
        .await
    }
}

/// Writes the scenario that was run, with its variables filled in and its defaults spelled out.
fn write_scenario(scenario: &Scenario, path: &Path) -> Result<(), EnvironmentError> {
    let fail = |source| EnvironmentError::File { path: path.to_owned(), source };
    let text = serde_yaml::to_string(scenario).map_err(|error| fail(io::Error::other(error)))?;
    hourglass_base::private::write(path, safe(&text).as_bytes()).map_err(fail)
}

/// The verdict of a trial that an error ended.
fn verdict_of(error: &EnvironmentError) -> Verdict {
    match error {
        EnvironmentError::Runtime(RuntimeError::Inapplicable { reason }) => Verdict::Skipped { reason: reason.clone() },
        error => Verdict::EnvironmentFailed { error: with_causes(error), remedy: remedy(error) },
    }
}
