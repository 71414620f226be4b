//! One trial: started, run, judged, taken down, reported.

mod report;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use hourglass_base::blocking;
use hourglass_chain::ChainControl;
use hourglass_component::timeout::timeout;
use hourglass_reaper::{RunFolderGuard, RunId};
use hourglass_runtime::{Leak, Teardown, UnexpectedEnd};
use hourglass_scenario::Trial;
use hourglass_timeline::{TaskFacts, Timeline};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;

use super::{
    EnvironmentError, Keep, RunFolders, TrialSettings, chain_watch,
    disk_space::Room,
    environment::{Environment, StandUp},
    evidence,
    failure::StepFailure,
    invariants,
    limits::{self, CAUSE_WITHIN, REPORT_AFTER_FAILURE_WITHIN, REPORT_WITHIN, Stage, unless_interrupted},
    requests::{StandingChain, StandingEnvironment, StepRequests},
    steps, task_reports, traces,
    trial_document::write_trial_report,
    verdict::{ComponentUsage, Phase, TaskReport, TrialReport, Violation},
    world::{LAST_ENTRIES, World},
};

/// Runs a trial to its end, whatever that is. `progress` receives messages about what is going on; `interrupt` ends the
/// trial early, but not the taking down.
pub async fn run_trial(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    progress: &(dyn Fn(&str) + Sync),
) -> TrialReport {
    execute(trial, settings, interrupt, progress, None).await
}

/// Runs a trial like [`run_trial`], but with the steps that a test requests, one by one, in place of its scenario's.
pub async fn run_trial_on_request(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    progress: &(dyn Fn(&str) + Sync),
    requests: StepRequests,
) -> TrialReport {
    execute(trial, settings, interrupt, progress, Some(requests)).await
}

#[tracing::instrument(name = "trial", skip_all, fields(name = %trial.name, runtime = %trial.runtime, run = Empty))]
async fn execute(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    progress: &(dyn Fn(&str) + Sync),
    requests: Option<StepRequests>,
) -> TrialReport {
    let run = RunId::generate();
    tracing::Span::current().record("run", tracing::field::display(&run));
    let mut execution = TrialExecution {
        trial,
        settings,
        started: Timestamp::now(),
        clock: Instant::now(),
        timeline: settings.timeline_of(&trial.name),
        phases: Vec::new(),
        tasks: Vec::new(),
        facts: Vec::new(),
        violations: Vec::new(),
        running: BTreeMap::new(),
        usage: Vec::new(),
        taking_down: None,
        leaks: Vec::new(),
        folder_guard: None,
        limit: settings.trial_timeout.unwrap_or_else(|| trial.scenario.timeout.into()),
        stage: Stage::default(),
        handed_over: false,
        on_request: requests.is_some(),
        open_ended: requests.as_ref().is_some_and(|requests| requests.ends.is_some()),
        ends: requests.as_ref().and_then(|requests| requests.ends.clone()),
        requests,
    };
    let folder = settings.folders.folder_of(&run);
    let (error, interrupted) = match Box::pin(execution.go(run, &folder, interrupt, progress)).await {
        Ok(interrupted) => (None, interrupted),
        Err(EnvironmentError::Late { limit, stage, last }) => {
            execution.violations.push(limits::late(limit, &stage, last));
            (None, false)
        }
        Err(error) => (Some(error), false),
    };
    execution.violations.extend(execution.aftermath());
    execution.fill_phases();
    let written = execution.write_evidence(&folder).await;
    let error = if interrupted { error } else { written.err().or(error) };
    let (folder_guard, handed_over) = (execution.folder_guard.take(), execution.handed_over);
    let error = match error.as_ref().and_then(|error| execution.blamed(error)) {
        Some(violation) => {
            // First: what logs show is its consequence, or its cause once more.
            execution.violations.insert(0, violation);
            None
        }
        None => error,
    };
    let has_file = !execution.on_request;
    let report = execution.report(&folder, error, interrupted);
    tracing::info!(verdict = report.verdict.word(), elapsed = ?report.duration, "trial is over");
    // A folder that was left to the supervisor is removed by it, when nothing writes into it any more.
    let removed = !report.kept && !handed_over;
    // Last: nothing about the trial changes any more.
    let stored = report.kept.then(|| report.clone());
    blocking(move || {
        if let Some(report) = stored {
            if let Err(error) = write_trial_report(&folder, &report) {
                tracing::warn!(error = &error as &dyn std::error::Error, "the report of the trial cannot be stored");
            }
            evidence::write_first_page(&report, has_file);
        }
        RunFolders::release(&folder);
        if removed {
            let _ = fs::remove_dir_all(&folder);
        }
    })
    .await;
    // Not before: until here, another process removes the folder if this process is killed.
    drop(folder_guard);
    report
}

/// Waits until a component of the trial ends unexpectedly: the environment is to blame for a chain or an engine, and
/// what is tested for a component.
async fn cause(world: &World) -> StepFailure {
    let runtime = &world.environment.runtime;
    tokio::select! {
        // First: components end when what they depend on does.
        biased;
        error = runtime.failure() => error.into(),
        end = runtime.ends().unexpected() => StepFailure::Violation(Box::new(invariants::component_ended(world, &end))),
    }
}

/// Whether the end of a component may be the cause of an error. A full disk is the cause itself.
fn may_have_a_cause(error: &EnvironmentError) -> bool {
    !error.is_inapplicable() && !matches!(error, EnvironmentError::File { .. })
}

/// The failure, or the end of a component that caused it: requests to an ended component fail before its end is
/// reported.
pub(super) async fn with_cause(world: &World, failure: StepFailure) -> StepFailure {
    match failure {
        StepFailure::Environment(error) if may_have_a_cause(&error) => {
            timeout(CAUSE_WITHIN, cause(world)).await.unwrap_or(StepFailure::Environment(error))
        }
        failure => failure,
    }
}

pub(super) struct TrialExecution<'a> {
    trial: &'a Trial,
    settings: &'a TrialSettings,
    started: Timestamp,
    clock: Instant,
    timeline: Timeline,
    phases: Vec<Phase>,
    tasks: Vec<TaskReport>,
    /// The chains' data about the tasks.
    facts: Vec<TaskFacts>,
    violations: Vec<Violation>,
    running: BTreeMap<String, String>,
    /// What its components used.
    usage: Vec<ComponentUsage>,
    /// When components were told to end.
    taking_down: Option<Timestamp>,
    /// What remained after everything had been told to end.
    leaks: Vec<Leak>,
    /// The guard of the folder until it is kept or removed.
    folder_guard: Option<RunFolderGuard>,
    /// The time limit from the start of the chains to the end of the steps.
    limit: Duration,
    pub(super) stage: Stage,
    /// Whether it was interrupted before there was a runtime and did not end in time, so that its supervisor ends it and
    /// removes its folder.
    handed_over: bool,
    /// Whether a test requests its steps.
    on_request: bool,
    /// Whether it stays, without a limit, until it is interrupted.
    open_ended: bool,
    /// Receives the ends of components, if it is open-ended.
    ends: Option<mpsc::UnboundedSender<UnexpectedEnd>>,
    /// The source of its steps, unless they are the scenario's; taken when they begin.
    requests: Option<StepRequests>,
}

impl TrialExecution<'_> {
    /// Returns whether it was interrupted.
    async fn go(
        &mut self,
        run: RunId,
        folder: &Path,
        interrupt: &CancellationToken,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<bool, EnvironmentError> {
        let run_id = run.clone();
        let stand_up = StandUp {
            trial: self.trial,
            settings: self.settings,
            run,
            folder: folder.to_owned(),
            timeline: self.timeline.clone(),
            phases: &mut self.phases,
            limit: self.limit,
            stage: &self.stage,
            handed_over: &mut self.handed_over,
            usage: &mut self.usage,
            chains: None,
        };
        let began = Instant::now();
        let Some(environment) = Box::pin(stand_up.environment(interrupt, progress)).await? else {
            return Ok(true);
        };
        let world = World::new(environment, self.trial.scenario.clone(), self.started);
        let mut requests = self.requests.take();
        if let Some(requests) = &mut requests {
            requests.stands(standing(&world, run_id, folder).await);
        }
        let started = Instant::now();
        let left = self.limit.saturating_sub(began.elapsed());
        let stepping = self.judged_steps(&world, folder, left, progress, requests);
        let stepping = interrupt.run_until_cancelled(stepping).await;
        // The end of the steps is reported: nothing sends any more.
        self.ends = None;
        let ended = self.open_ended && stepping.is_none();
        let stepping = if ended { Some(Ok(Vec::new())) } else { stepping };
        self.phase("steps", started.elapsed());
        let interrupted = stepping.is_none();
        let answers = matches!(stepping, Some(Ok(_)));
        let limit = if answers { REPORT_WITHIN } else { REPORT_AFTER_FAILURE_WITHIN };
        // What cannot be read in time is not in the report.
        let noting = timeout(limit, unless_interrupted(interrupt, self.note_chains(&world, answers)));
        let (_, usage) = tokio::join!(noting, world.environment.runtime.usage());
        self.usage = usage;
        progress("taking down");
        let failed = match &stepping {
            // Logs may have errors before components are told to end.
            Some(Ok(violations)) => (violations.is_empty() && self.aftermath().is_empty()) == self.trial.proof,
            Some(Err(error)) => !error.is_inapplicable(),
            None => true,
        };
        let keep = match self.settings.keep {
            Keep::Never => false,
            Keep::Failed => failed,
            // Its end was asked for before it could be left alone.
            Keep::Always => !ended,
        };
        if failed && !interrupted {
            let environment = &world.environment;
            let keeping = futures::future::join(
                environment.runtime.keep_evidence(folder),
                evidence::keep_chains(&environment.chains, environment.starts(), folder),
            );
            interrupt.run_until_cancelled(keeping).await;
        }
        let outcome = stepping.unwrap_or(Ok(Vec::new()));
        let taken_down = self.take_down(world.environment, keep && !interrupted, interrupt).await;
        match outcome {
            Ok(violations) => self.violations.extend(violations),
            // The first error is the cause; later errors of the taking down are its consequence.
            Err(error) => return Err(error),
        }
        // A trial that did not end in time after an interruption was left to the supervisor.
        Ok(interrupted || !taken_down?)
    }

    async fn judged_steps(
        &self,
        world: &World,
        folder: &Path,
        left: Duration,
        progress: &(dyn Fn(&str) + Sync),
        requests: Option<StepRequests>,
    ) -> Result<Vec<Violation>, EnvironmentError> {
        let scenario = self.trial.scenario.clone();
        let room = Room::in_folder(folder)?;
        let stepping = async {
            match requests {
                None => steps::run_all(world, &scenario.steps, &self.stage, progress).await?,
                Some(requests) => requests.serve(self, world, folder, progress).await?,
            }
            if self.open_ended {
                return Ok(Vec::new());
            }
            self.stage.enter("checking the invariants");
            invariants::steps_done(world).await
        };
        let stepped = tokio::select! {
            // First: errors of steps about ended components are the consequence, and components end if they cannot
            // write.
            biased;
            error = room.lost() => Err(error.into()),
            cause = self.cause(world) => Err(cause),
            stepped = self.limited(left, stepping) => match stepped {
                Some(stepped) => stepped,
                None => Err(self.late(world).await.into()),
            },
            // Last: a step that has just asked knows more.
            error = chain_watch::lost(&world.environment.chains) => Err(error.into()),
        };
        let stepped = match stepped {
            Err(failure) => Err(with_cause(world, failure).await),
            done => done,
        };
        // What was not written may be the reason for all else.
        room.check()?;
        match stepped {
            Ok(violations) => Ok(violations),
            Err(StepFailure::Violation(violation)) => Ok(vec![*violation]),
            Err(StepFailure::Environment(error)) => Err(error),
        }
    }

    /// The result of the steps; `None` if they took longer than is left. An open-ended environment has no limit.
    async fn limited<T>(&self, left: Duration, stepping: impl Future<Output = T>) -> Option<T> {
        if self.open_ended { Some(stepping.await) } else { timeout(left, stepping).await.ok() }
    }

    /// Why the trial cannot go on. The components of an open-ended environment may end.
    async fn cause(&self, world: &World) -> StepFailure {
        let Some(ends) = &self.ends else { return cause(world).await };
        let runtime = &world.environment.runtime;
        let telling = async {
            loop {
                drop(ends.send(runtime.ends().next_unexpected().await));
            }
        };
        tokio::select! {
            error = runtime.failure() => error.into(),
            never = telling => never,
        }
    }

    /// Why the trial took longer than its limit.
    async fn late(&self, world: &World) -> EnvironmentError {
        match limits::responds(world).await {
            Ok(()) => EnvironmentError::Late {
                limit: self.limit,
                stage: self.stage.to_string(),
                last: self.timeline.last_lines(None, LAST_ENTRIES, self.started),
            },
            Err(error) => error,
        }
    }

    /// Stores the chains' data about the tasks, in the order of its importance. Only traces of passed trials are compared.
    async fn note_chains(&mut self, world: &World, passed: bool) {
        self.note_tasks(world).await;
        if passed {
            self.facts = traces::facts(world).await;
        }
        // Last: no verdict depends on it.
        task_reports::note_gas(world, &mut self.tasks).await;
    }

    /// Returns whether it is down.
    async fn take_down(
        &mut self,
        environment: Environment,
        keep: bool,
        interrupt: &CancellationToken,
    ) -> Result<bool, EnvironmentError> {
        let started = Instant::now();
        // Truncated to milliseconds, like the records of the public components.
        self.taking_down = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).ok();
        let down = if keep {
            self.running = environment.runtime.endpoints().await;
            environment.keep().await?;
            true
        } else {
            match environment.stop(interrupt).await.transpose()? {
                Some(Teardown { leaks, folder_guard }) => {
                    self.folder_guard = folder_guard;
                    self.leaks = leaks;
                    true
                }
                None => false,
            }
        };
        self.phase("taking down", started.elapsed());
        Ok(down)
    }

    async fn note_tasks(&mut self, world: &World) {
        self.tasks.extend(task_reports::of_world(world));
        task_reports::note_statuses(world, &mut self.tasks).await;
    }

    fn phase(&mut self, name: &str, duration: Duration) {
        tracing::info!(phase = name, elapsed = ?duration, "phase is over");
        self.phases.push(Phase { name: name.to_owned(), duration });
    }
}

/// The description of a running environment for a test.
async fn standing(world: &World, run: RunId, folder: &Path) -> StandingEnvironment {
    let Environment { chains, timeline, accounts, contracts, runtime, .. } = &world.environment;
    let chain = |control: &ChainControl| {
        let (url, chain_id) = (control.client().url().to_owned(), control.chain_id());
        let contracts = contracts.iter().filter(|contract| contract.chain_id == chain_id).cloned().collect();
        StandingChain { url, chain_id, contracts }
    };
    let (l1, l2) = (chain(&chains.l1), chain(&chains.l2));
    let (accounts, endpoints) = (accounts.clone(), runtime.endpoints().await);
    StandingEnvironment { run, folder: folder.to_owned(), l1, l2, accounts, endpoints, timeline: timeline.clone() }
}
