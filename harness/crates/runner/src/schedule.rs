//! Many trials: side by side up to a limit, each told to whoever reports.

use std::{panic::resume_unwind, sync::Arc, time::Instant};

use hourglass_scenario::Trial;
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc::UnboundedSender},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{RunEvent, TrialSettings, parity, run_trial, verdict::TrialReport};

/// Trials and how many of them run at once.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The trials, started in this order.
    pub trials: Vec<Trial>,
    /// How many at once, at least one.
    pub jobs: usize,
}

/// Runs trials to their end, each as a task of its own, compares those of one scenario and tells `events`. After an
/// interruption no further trial is started. Must be called within a Tokio runtime.
pub async fn run_all(
    schedule: &Schedule,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    events: &UnboundedSender<RunEvent>,
) {
    let clock = Instant::now();
    // Nobody listens any more when the report was given up; the trials still end in order.
    let tell = |event| drop(events.send(event));
    let names: Vec<_> = schedule.trials.iter().map(|trial| trial.name.clone()).collect();
    tell(RunEvent::RunStarted { started: Timestamp::now(), trials: names });
    let running = Running { settings: settings.clone(), interrupt: interrupt.clone(), events: events.clone() };
    let running = Arc::new(running);
    let places = Arc::new(Semaphore::new(schedule.jobs.max(1)));
    let mut under_way = JoinSet::new();
    for trial in &schedule.trials {
        // Taken here and not in the task, so that trials start in their order.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        if interrupt.is_cancelled() {
            break;
        }
        under_way.spawn(Arc::clone(&running).run(trial.clone(), place));
    }
    let mut reports = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        match ended {
            Ok(report) => reports.push(report),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // Nobody aborts a trial.
            Err(_) => {}
        }
    }
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
}

impl Running {
    /// Runs a trial while it holds its place.
    async fn run(self: Arc<Self>, trial: Trial, _place: OwnedSemaphorePermit) -> TrialReport {
        let tell = |event| drop(self.events.send(event));
        tell(RunEvent::TrialStarted { trial: trial.name.clone() });
        let progress = |message: &str| {
            tell(RunEvent::TrialProgress { trial: trial.name.clone(), message: message.to_owned() });
        };
        let report = Box::pin(run_trial(&trial, &self.settings, &self.interrupt, &progress)).await;
        tell(RunEvent::TrialFinished(Box::new(report.clone())));
        report
    }
}
