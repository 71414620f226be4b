//! Many trials: side by side up to a limit, each told to whoever reports.

use std::time::Instant;

use futures::StreamExt as _;
use hourglass_scenario::Trial;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::RunEvent;
use super::{TrialSettings, parity, run_trial};

/// Trials and how many of them run at once.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The trials, started in this order.
    pub trials: Vec<Trial>,
    /// How many at once, at least one.
    pub jobs: usize,
}

/// Runs trials to their end, compares those of one scenario and tells `events`. After an interruption no further trial
/// is started.
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
    let reports = futures::stream::iter(&schedule.trials)
        .take_while(|_| std::future::ready(!interrupt.is_cancelled()))
        .map(|trial| async {
            tell(RunEvent::TrialStarted { trial: trial.name.clone() });
            let progress = |message: &str| {
                tell(RunEvent::TrialProgress { trial: trial.name.clone(), message: message.to_owned() });
            };
            let report = Box::pin(run_trial(trial, settings, interrupt, &progress)).await;
            tell(RunEvent::TrialFinished(Box::new(report.clone())));
            report
        })
        .buffer_unordered(schedule.jobs.max(1))
        .collect::<Vec<_>>()
        .await;
    // What trials without their fault do before they fail is not what runtimes promise to do alike.
    let compared = schedule.trials.iter().filter(|trial| !trial.proof).map(|trial| trial.name.clone());
    for parity in parity::of_reports(&compared.collect::<Vec<_>>(), &reports) {
        tell(RunEvent::ParityJudged(parity));
    }
    tell(RunEvent::RunFinished { duration: clock.elapsed() });
}
