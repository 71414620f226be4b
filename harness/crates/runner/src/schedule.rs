//! Many trials: concurrent up to a limit, each reported as an event.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Instant,
};

use futures::FutureExt as _;
use hourglass_scenario::Trial;
use hourglass_timeline::Trace;
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc::UnboundedSender},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    RunEvent, TrialSettings, parity, run_trial,
    verdict::{TrialReport, Verdict},
};

/// Trials, and how many of them run at once.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The trials, started in this order.
    pub trials: Vec<Trial>,
    /// How many at once, at least one.
    pub jobs: usize,
    /// Whether no further trial is started after the first that fails.
    pub fail_fast: bool,
}

/// Runs trials to their end, each as a task of its own, compares those of one scenario and sends `events`. After an
/// interruption no further trial is started. Must be called within a Tokio runtime.
pub async fn run_all(
    schedule: &Schedule,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    events: &UnboundedSender<RunEvent>,
) {
    let clock = Instant::now();
    // If the report was given up, nobody receives the event; the trials still end in order.
    let tell = |event| drop(events.send(event));
    let names: Vec<_> = schedule.trials.iter().map(|trial| trial.name.clone()).collect();
    tell(RunEvent::RunStarted { started: Timestamp::now(), trials: names });
    let running = Arc::new(Running {
        settings: settings.clone(),
        interrupt: interrupt.clone(),
        events: events.clone(),
        fail_fast: schedule.fail_fast,
        failed: OnceLock::new(),
    });
    let permits = Arc::new(Semaphore::new(schedule.jobs.clamp(1, Semaphore::MAX_PERMITS)));
    let mut under_way = JoinSet::new();
    for trial in &schedule.trials {
        // Acquired here and not in the task, so that trials start in their order.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
        if interrupt.is_cancelled() {
            break;
        }
        if let Some(failed) = running.failed.get() {
            tell(RunEvent::Stopped { trial: failed.clone() });
            break;
        }
        under_way.spawn(Arc::clone(&running).run(trial.clone(), permit));
    }
    let reports = under_way.join_all().await;
    // What trials without their fault do before they fail is not what runtimes promise to do alike.
    let compared = schedule.trials.iter().filter(|trial| !trial.proof).map(|trial| trial.name.clone());
    for parity in parity::of_reports(&compared.collect::<Vec<_>>(), &reports) {
        tell(RunEvent::ParityJudged(parity));
    }
    tell(RunEvent::RunFinished { duration: clock.elapsed() });
}

/// What the tasks of a run share.
struct Running {
    settings: TrialSettings,
    interrupt: CancellationToken,
    events: UnboundedSender<RunEvent>,
    fail_fast: bool,
    /// The first trial that failed, if that ends the run.
    failed: OnceLock<String>,
}

impl Running {
    /// Runs a trial while it holds its permit.
    async fn run(self: Arc<Self>, trial: Trial, _place: OwnedSemaphorePermit) -> TrialReport {
        let tell = |event| drop(self.events.send(event));
        tell(RunEvent::TrialStarted { trial: trial.name.clone() });
        let progress = |message: &str| {
            tell(RunEvent::TrialProgress { trial: trial.name.clone(), message: message.to_owned() });
        };
        let running = Box::pin(run_trial(&trial, &self.settings, &self.interrupt, &progress));
        let report = unless_panicked(&trial, running).await;
        // Before the permit is returned: the next trial must not begin.
        if self.fail_fast && report.verdict.is_trouble() {
            let _ = self.failed.set(report.trial.clone());
        }
        tell(RunEvent::TrialFinished(Box::new(report.clone())));
        report
    }
}

/// The report of a trial. A panic of the harness ends the trial in which it happens and no other, and the supervisor ends what
/// that trial had started.
async fn unless_panicked(trial: &Trial, running: impl Future<Output = TrialReport>) -> TrialReport {
    let (started, clock) = (Timestamp::now(), Instant::now());
    let panic = match AssertUnwindSafe(running).catch_unwind().await {
        Ok(report) => return report,
        Err(panic) => panic,
    };
    TrialReport {
        trial: trial.name.clone(),
        scenario: trial.path.to_path_buf(),
        runtime: trial.runtime.to_string(),
        started,
        duration: clock.elapsed(),
        phases: Vec::new(),
        verdict: Verdict::EnvironmentFailed {
            error: format!("the harness panicked, which is a defect of it: {}", message_of(&*panic)),
            remedy: Some("report it with the scenario and what standard error says of the panic".to_owned()),
        },
        steps: Vec::new(),
        tasks: Vec::new(),
        usage: Vec::new(),
        directory: PathBuf::new(),
        kept: false,
        trace: Trace::default(),
        events: Arc::default(),
        running: BTreeMap::new(),
        options: Arc::clone(&trial.options),
    }
}

/// What a panic says, which is text wherever `panic!` made it.
fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it says nothing")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_base::{ExitStatus, RuntimeKind};
    use hourglass_scenario::Loader;

    use super::*;

    /// The other trials of a run go on, and their reports are not lost.
    #[tokio::test]
    async fn a_panic_is_the_report_of_its_trial() {
        let text = "name: own\ndescription: A user's own.\nsteps:\n  - create_task: {payload: \"1\"}\n  - expect_verified: {}\n";
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text.to_owned()).unwrap();
        let trial = file.trials(&[RuntimeKind::Process]).remove(0);
        let report = unless_panicked(&trial, async { panic!("out of {}", "abacuses") }).await;
        assert_eq!((report.trial.as_str(), report.kept), ("process::own", false));
        let Verdict::EnvironmentFailed { error, .. } = &report.verdict else { panic!("{:?}", report.verdict) };
        assert!(error.ends_with("a defect of it: out of abacuses"), "{error}");
        assert_eq!(ExitStatus::from(&report.verdict), ExitStatus::Environment);
    }
}
