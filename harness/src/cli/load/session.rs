//! Runs loads in the environment of one trial, one after the other, and shows what they do while they run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hourglass_load::{
    LoadResult, SearchResult,
    live::{Live, per_second},
    live_text,
};
use hourglass_report::LoadProgress;
use hourglass_runner::{
    StepRefusal, StepRequester, TrialSettings, run_trial_on_request, step_requests, verdict::TrialReport,
};
use hourglass_scenario::{Load, Mining, Trial};
use hourglass_timeline::{Event, Timeline};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::chosen::{ALIAS, limit, step};

/// How often the counts are shown on a terminal.
const EVERY: Duration = Duration::from_secs(1);

/// What was run, and what came of it.
#[derive(Debug)]
pub(super) struct Driven {
    /// The loads that ended or were cut off.
    pub(super) loads: Vec<LoadResult>,
    /// What they found, if they were a search.
    pub(super) search: Option<SearchResult>,
    /// Whether a load that was not a part of a search had tasks that were not verified.
    pub(super) has_failed: bool,
    /// The trial that decides how it ended: that of the load, or the one that ended a search before its end.
    pub(super) trial: Option<Box<TrialReport>>,
}

/// The trial of one or several loads after its end.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) report: TrialReport,
    /// The loads that began.
    pub(super) loads: Vec<LoadResult>,
    /// Whether the last of them failed, which is the failure of the trial then.
    pub(super) has_failed: bool,
}

/// Runs the trial with the loads, up to the first that fails.
pub(super) async fn run(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    loads: &[Load],
    progress: &mut LoadProgress,
) -> Session {
    let mut trial = trial.clone();
    Arc::make_mut(&mut trial.scenario).timeout = limit(loads).into();
    let (requester, requests, stands) = step_requests();
    let driving = async {
        let mut results = Vec::new();
        // If the trial ends before the environment runs, its report tells why.
        let Ok(standing) = stands.await else { return (results, false) };
        let environment =
            Environment { requester, timeline: standing.timeline, block_interval: block_interval(&trial) };
        for load in loads {
            let (result, done) = environment.load(load, progress).await;
            results.push(result);
            match done {
                Ok(()) => {}
                Err(StepRefusal::Failed(_)) => {
                    environment.requester.abandon();
                    return (results, true);
                }
                Err(StepRefusal::TrialEnded) => return (results, false),
            }
        }
        progress.clear();
        environment.requester.finish();
        (results, false)
    };
    let running = Box::pin(run_trial_on_request(&trial, settings, interrupt, &|_| {}, requests));
    let (report, (loads, has_failed)) = tokio::join!(running, driving);
    progress.clear();
    Session { report, loads, has_failed }
}

/// How far blocks are apart on a chain that mines at an interval.
fn block_interval(trial: &Trial) -> Option<Duration> {
    match trial.scenario.topology.mining {
        Mining::Instant | Mining::Batched => None,
        Mining::Interval(interval) => Some(interval.into()),
    }
}

/// Which of several loads it is.
fn label(load: &Load) -> String {
    match load.rate {
        _ if load.alias == ALIAS => String::new(),
        Some(rate) => format!("{rate:>8}/s  "),
        None => format!("{}  ", load.alias),
    }
}

struct Environment {
    requester: StepRequester,
    timeline: Timeline,
    block_interval: Option<Duration>,
}

impl Environment {
    /// Runs a load to its end, and shows its counts meanwhile.
    async fn load(&self, load: &Load, progress: &mut LoadProgress) -> (LoadResult, Result<(), StepRefusal>) {
        let before = self.timeline.read(<[Event]>::len);
        let mut stepping = Box::pin(self.requester.step(step(load.clone())));
        let mut live = Live::new(&load.alias, before);
        let (began, mut ticks) = (Instant::now(), interval(EVERY));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, when there is nothing to show.
        ticks.tick().await;
        let (mut verified, mut shown) = (0, began);
        let done = loop {
            tokio::select! {
                done = &mut stepping => break done,
                _ = ticks.tick() => {
                    self.timeline.read(|events| live.read(events));
                    let counts = live.counts();
                    let rate = per_second(verified, counts.verified, shown.elapsed());
                    (verified, shown) = (counts.verified, Instant::now());
                    let text = live_text(began.elapsed(), &counts, rate);
                    progress.show(&format!("{}{text}", label(load)));
                }
            }
        };
        let result = self.timeline.read(|events| LoadResult::of(load, self.block_interval, &events[before..]));
        (result, done.map(drop))
    }
}
