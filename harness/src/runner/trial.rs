//! One trial: stood up, run, judged, taken down, reported.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use hourglass_component::{causes::with_causes, keys::H256};
use hourglass_proto::messages::parse_task_hash;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    EnvironmentError, Keep, RunFolders, TrialSettings,
    environment::{Environment, StandUp},
    failure::{StepFailure, remedy},
    invariants, proof, steps, traces,
    verdict::{Phase, TaskReport, TrialReport, Verdict, Violation},
    world::World,
};
use crate::{
    reaper::{Farewell, RunId},
    runtime::{RuntimeError, TakenDown},
    scenario::Trial,
    timeline::{TaskFacts, TaskPhases, Timeline, Trace, phases, with_lanes},
};

/// Entries that a violation without a task shows.
const LAST_ENTRIES: usize = 12;

/// Runs a trial to its end, whatever that is. `progress` hears what is going on; `interrupt` ends the trial early, but
/// not the taking down.
pub async fn run_trial(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    progress: &(dyn Fn(&str) + Sync),
) -> TrialReport {
    let run = RunId::generate();
    let mut course = Course {
        trial,
        settings,
        started: Timestamp::now(),
        clock: Instant::now(),
        timeline: Timeline::default(),
        phases: Vec::new(),
        tasks: Vec::new(),
        facts: Vec::new(),
        violations: Vec::new(),
        running: BTreeMap::new(),
        taking_down: None,
        farewell: None,
    };
    let folder = settings.folders.folder_of(&run);
    let (error, interrupted) = match Box::pin(course.go(run, &folder, interrupt, progress)).await {
        Ok(interrupted) => (None, interrupted),
        Err(error) => (Some(error), false),
    };
    course.log_invariant();
    course.fill_phases();
    // The report is worth more than these files: where they cannot be written, the logs beside them say the same.
    let _ = course.timeline.write(&folder.join("timeline.jsonl"));
    let _ = course.write_scenario(&folder.join("scenario.yaml"));
    let farewell = course.farewell.take();
    let report = course.report(&folder, error, interrupted);
    RunFolders::release(&folder);
    if !report.kept {
        let _ = fs::remove_dir_all(&folder);
    }
    // Not before: until here, somebody else removes the folder if this process is killed.
    drop(farewell);
    report
}

struct Course<'a> {
    trial: &'a Trial,
    settings: &'a TrialSettings,
    started: Timestamp,
    clock: Instant,
    timeline: Timeline,
    phases: Vec<Phase>,
    tasks: Vec<TaskReport>,
    /// What the chains hold about the tasks.
    facts: Vec<TaskFacts>,
    violations: Vec<Violation>,
    running: BTreeMap<String, String>,
    /// Since when components are told to end.
    taking_down: Option<Timestamp>,
    /// Whoever minds the folder until its fate is decided.
    farewell: Option<Farewell>,
}

impl Course<'_> {
    /// Whether it was interrupted.
    async fn go(
        &mut self,
        run: RunId,
        folder: &Path,
        interrupt: &CancellationToken,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<bool, EnvironmentError> {
        let stand_up = StandUp {
            trial: self.trial,
            settings: self.settings,
            run,
            folder: folder.to_owned(),
            timeline: self.timeline.clone(),
            phases: &mut self.phases,
        };
        let Some(environment) = Box::pin(stand_up.environment(interrupt, progress)).await? else {
            return Ok(true);
        };
        let world = World::new(environment, self.trial.scenario.clone(), self.started);
        let started = Instant::now();
        let stepping = interrupt.run_until_cancelled(self.judged_steps(&world, progress)).await;
        self.phase("steps", started.elapsed());
        let interrupted = stepping.is_none();
        self.note_tasks(&world).await;
        self.facts = traces::facts(&world).await;
        progress("taking down");
        let failed = match &stepping {
            Some(Ok(violations)) => violations.is_empty() == self.trial.proof,
            Some(Err(error)) => !error.is_inapplicable(),
            None => true,
        };
        let keep = match self.settings.keep {
            Keep::Never => false,
            Keep::Failed => failed,
            Keep::Always => true,
        };
        if failed && !interrupted {
            world.environment.runtime.keep_evidence(folder).await;
        }
        let outcome = stepping.unwrap_or(Ok(Vec::new()));
        let taken_down = self.take_down(world.environment, keep && !interrupted).await;
        match outcome {
            Ok(violations) => self.violations.extend(violations),
            // The first error is the cause; what taking down says then is its consequence.
            Err(error) => return Err(error),
        }
        taken_down?;
        Ok(interrupted)
    }

    async fn judged_steps(
        &self,
        world: &World,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<Violation>, EnvironmentError> {
        let scenario = self.trial.scenario.clone();
        let stepping = async {
            steps::run_all(world, &scenario.steps, progress).await?;
            let mut violations = invariants::on_chain(world).await?;
            violations.extend(invariants::of_runtime(world).await?);
            Ok(violations)
        };
        let stepped = tokio::select! {
            // First: what steps say of a runtime that has failed is its consequence.
            biased;
            error = world.environment.runtime.failure() => Err(error.into()),
            stepped = stepping => stepped,
        };
        match stepped {
            Ok(violations) => Ok(violations),
            Err(StepFailure::Violation(violation)) => Ok(vec![*violation]),
            Err(StepFailure::Environment(error)) => Err(error),
        }
    }

    async fn take_down(&mut self, environment: Environment, keep: bool) -> Result<(), EnvironmentError> {
        let started = Instant::now();
        // Without what is finer: the public components' records carry whole milliseconds.
        self.taking_down = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).ok();
        if keep {
            self.running = environment.runtime.endpoints().await;
            environment.keep().await?;
        } else {
            let TakenDown { remains, farewell } = environment.stop().await?;
            self.farewell = farewell;
            self.violations.extend(invariants::nothing_remains(&remains));
        }
        self.phase("taking down", started.elapsed());
        Ok(())
    }

    async fn note_tasks(&mut self, world: &World) {
        for task in world.all_tasks() {
            let status = match world.environment.chain(task.chain).task_status(task.record.task).await {
                Ok(status) => format!("{status:?}").to_lowercase(),
                Err(_) => "unknown".to_owned(),
            };
            self.tasks.push(TaskReport {
                alias: task.alias,
                hash: format!("{:?}", task.record.task),
                chain: task.chain.to_string(),
                status,
                // Filled in when every log has been read to its end.
                phases: TaskPhases::default(),
            });
        }
    }

    fn fill_phases(&mut self) {
        let events = self.timeline.sorted();
        for task in &mut self.tasks {
            if let Some(hash) = parse_task_hash(&task.hash) {
                task.phases = phases(&events, hash);
            }
        }
    }

    /// Judged at the very end: components may complain while they are taken down.
    fn log_invariant(&mut self) {
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
            Ok(errors) => errors
                .into_iter()
                .map(|(text, event)| {
                    let expected = "no ERROR record that invariants.allowed_errors does not match";
                    violation(expected, format!("{}: {text}", event.source), event.task_hash)
                })
                .collect(),
            Err(reason) => vec![violation("expressions in invariants.allowed_errors that can be used", reason, None)],
        };
        self.violations.extend(found);
    }

    /// What was run, with its variables filled in and its defaults spelled out.
    fn write_scenario(&self, path: &Path) -> Result<(), EnvironmentError> {
        let fail = |source| EnvironmentError::File { path: path.to_owned(), source };
        let text = serde_yaml::to_string(&*self.trial.scenario).map_err(|error| fail(io::Error::other(error)))?;
        fs::write(path, text).map_err(fail)
    }

    fn phase(&mut self, name: &str, duration: Duration) {
        self.phases.push(Phase { name: name.to_owned(), duration });
    }

    fn report(self, folder: &Path, error: Option<EnvironmentError>, interrupted: bool) -> TrialReport {
        let verdict = match error {
            _ if interrupted => Verdict::Interrupted,
            Some(EnvironmentError::Runtime(RuntimeError::Inapplicable { reason })) => Verdict::Skipped { reason },
            Some(error) => {
                let (error, remedy) = (format!("failed to {}", with_causes(&error)), remedy(&error));
                Verdict::EnvironmentFailed { error, remedy }
            }
            None if self.violations.is_empty() => Verdict::Passed,
            None => Verdict::Failed { violations: self.violations },
        };
        let verdict = if self.trial.proof { proof::judged(verdict, &self.trial.path) } else { verdict };
        // A stand-up that fails early has made no folder.
        let kept = (verdict.is_trouble() || !self.running.is_empty()) && folder.exists();
        let trace = Trace {
            steps: traces::steps(&self.timeline),
            tasks: with_lanes(self.facts, &self.timeline, self.taking_down),
        };
        TrialReport {
            trial: self.trial.name.clone(),
            scenario: self.trial.path.to_path_buf(),
            runtime: self.trial.runtime.to_string(),
            started: self.started,
            duration: self.clock.elapsed(),
            phases: self.phases,
            verdict,
            tasks: self.tasks,
            directory: folder.to_owned(),
            kept,
            running: self.running,
            trace,
        }
    }
}
