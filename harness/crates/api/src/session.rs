//! The trial behind an environment. It runs on a thread with a scheduler of its own, so that its watches go on whatever
//! the test does with its threads, and so that it can be taken down when the test's scheduler is gone.

use std::{
    fs, io,
    panic::Location,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use hourglass_component::keys::H256;
use hourglass_runner::{
    StandingEnvironment, StepRefusal, StepRequester, StepRequests, TrialSettings, run_trial_on_request, step_requests,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::Trial;
use serde_json::Value;
use tokio::{
    runtime,
    sync::{oneshot, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure, HarnessError,
    document::{Earlier, EnvironmentDocument},
};

/// The size of a main thread's stack: futures of debug builds are large.
const STACK: usize = 8 << 20;

/// The report of a trial, or why it could not begin.
type Outcome = Result<TrialReport, Arc<io::Error>>;

/// The test that has an environment.
#[derive(Debug)]
pub(crate) struct TestContext {
    pub(crate) document: EnvironmentDocument,
    /// The test's name, if it is known.
    pub(crate) test: Option<String>,
}

/// The shared data of a test's handles: requests to the trial, and its result.
#[derive(Debug)]
pub(crate) struct Session {
    test_context: TestContext,
    requester: StepRequester,
    report: watch::Receiver<Option<Outcome>>,
    components: Vec<String>,
    /// The number of tasks that were created or are to be.
    tasks: AtomicUsize,
    performers: AtomicUsize,
    failed: AtomicBool,
}

/// The thread of a trial; dropping it abandons the trial and waits until all is down.
#[derive(Debug)]
pub(crate) struct TrialThread {
    requester: StepRequester,
    interrupt: CancellationToken,
    stands: Option<oneshot::Receiver<StandingEnvironment>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Session {
    /// Starts a trial.
    pub(crate) fn start(
        trial: Trial,
        settings: TrialSettings,
        test_context: TestContext,
    ) -> Result<(Self, TrialThread), HarnessError> {
        let (requester, requests, stands) = step_requests();
        let components = components(&trial);
        let (sender, report) = watch::channel(None);
        let interrupt = CancellationToken::new();
        let token = interrupt.clone();
        let work = move || drop(sender.send(Some(run(&trial, &settings, &token, requests))));
        let thread = thread::Builder::new().name("hourglass trial".to_owned()).stack_size(STACK).spawn(work);
        let thread = Mutex::new(Some(thread.map_err(|error| HarnessError::Threads(Arc::new(error)))?));
        let failed = AtomicBool::new(false);
        let (tasks, performers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let session =
            Self { test_context, requester: requester.clone(), report, components, tasks, performers, failed };
        Ok((session, TrialThread { requester, interrupt, stands: Some(stands), thread }))
    }

    /// The name of the next task: `task`, `task_2`, and so on.
    pub(crate) fn next_task(&self) -> String {
        match self.tasks.fetch_add(1, Ordering::Relaxed) {
            0 => "task".to_owned(),
            earlier => format!("task_{}", earlier + 1),
        }
    }

    /// The name of the next performer that is deployed: `performer_1`, and so on.
    pub(crate) fn next_performer(&self) -> String {
        format!("performer_{}", self.performers.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The names of the components.
    pub(crate) fn components(&self) -> &[String] {
        &self.components
    }

    /// Runs a step as in a scenario; returns the hashes of the tasks that it created.
    pub(crate) async fn step(
        &self,
        kind: &str,
        keys: &Value,
        earlier: &[Earlier],
        location: &Location<'_>,
    ) -> Result<Vec<H256>, HarnessError> {
        let step = self.test_context.document.step(kind, keys, earlier, location).map_err(HarnessError::Scenario)?;
        match self.requester.step(step).await {
            Ok(created) => Ok(created),
            Err(StepRefusal::Failed(report)) => Err(self.failure(*report)),
            Err(StepRefusal::TrialEnded) => Err(self.end().await),
        }
    }

    /// Waits until the trial has ended and all is down.
    pub(crate) async fn report(&self) -> Result<TrialReport, HarnessError> {
        let mut report = self.report.clone();
        match &*report.wait_for(Option::is_some).await.map_err(|_| HarnessError::Panicked)? {
            Some(Ok(report)) => Ok(report.clone()),
            Some(Err(error)) => Err(HarnessError::Threads(Arc::clone(error))),
            None => Err(HarnessError::Panicked),
        }
    }

    /// Why the trial ended before the test did.
    pub(crate) async fn end(&self) -> HarnessError {
        match self.report().await {
            Ok(report) if report.verdict == Verdict::Passed => HarnessError::Finished,
            Ok(report) => self.failure(report),
            Err(error) => error,
        }
    }

    /// The error for a report that is not a pass.
    pub(crate) fn failure(&self, report: TrialReport) -> HarnessError {
        self.failed.store(true, Ordering::Relaxed);
        let again = match &self.test_context.test {
            Some(test) => format!("cargo test -- --exact {test}"),
            None => "cargo test".to_owned(),
        };
        HarnessError::Failed(Box::new(Failure::new(report, again)))
    }

    /// Ends the steps: the invariants are checked and everything is taken down.
    pub(crate) fn finish(&self) {
        self.requester.finish();
    }

    /// Whether the test has received a failure: the folder of the trial is its evidence.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Removes what remains of an interrupted trial, since nobody needs it.
    pub(crate) fn remove_interrupted(&self) {
        if let Some(Ok(report)) = &*self.report.borrow()
            && report.verdict == Verdict::Interrupted
        {
            let _ = fs::remove_dir_all(&report.directory);
        }
    }

    /// The folder of the trial, if it is kept.
    pub(crate) fn evidence(&self) -> Option<PathBuf> {
        match &*self.report.borrow() {
            Some(Ok(report)) if report.kept => Some(report.directory.clone()),
            _ => None,
        }
    }
}

impl TrialThread {
    /// The environment, once it runs; `None` if the trial ended before.
    pub(crate) async fn stands(&mut self) -> Option<StandingEnvironment> {
        self.stands.take()?.await.ok()
    }

    /// Ends the trial without checks and waits until all is down. If the test has received a failure, that is the
    /// trial's, and the trial ends in order; else it is interrupted.
    pub(crate) fn abandon(&self, failed: bool) {
        if !failed {
            self.interrupt.cancel();
        }
        self.requester.abandon();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A trial that panicked has dropped its supervisor, which then ends what remains.
        thread.map(JoinHandle::join);
    }
}

fn run(trial: &Trial, settings: &TrialSettings, interrupt: &CancellationToken, requests: StepRequests) -> Outcome {
    let scheduler = runtime::Builder::new_multi_thread().enable_all().build().map_err(Arc::new)?;
    let report = scheduler.block_on(Box::pin(run_trial_on_request(trial, settings, interrupt, &|_| {}, requests)));
    scheduler.shutdown_background();
    Ok(report)
}

fn components(trial: &Trial) -> Vec<String> {
    let topology = &trial.scenario.topology;
    let executors = topology.operator_names().into_iter().map(|name| format!("executor/{name}"));
    let performers = topology.performers().map(|(performer, _)| format!("performer/{performer}"));
    ["aggregator".to_owned()].into_iter().chain(executors).chain(performers).collect()
}
