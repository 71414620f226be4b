//! The search for the highest rate at which a bound holds: one load after the other, each in an environment of its own. A
//! chain that has many tasks is slower than a new one, so that loads in one environment could not be compared.

use std::fs;

use hourglass_load::{
    Bound, Limit, LoadResult, Probe, ProbeOutcome, Search, SearchResult, arrivals::planned, probe_text,
};
use hourglass_report::LoadProgress;
use hourglass_runner::{
    TrialSettings,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::{Load, Trial};
use tokio_util::sync::CancellationToken;

use super::session::{self, Driven, Session};

/// The tasks before each load, which measure nothing: the first tasks of an environment take longer.
const WARM_UP: u32 = 20;
const WARM_UP_AT_ONCE: u32 = 4;

/// Runs the search.
pub(super) async fn run(
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    load: &Load,
    bound: Bound,
    progress: &mut LoadProgress,
) -> Driven {
    few_tasks(progress, bound, load);
    let mut search = Search::new(load.rate.unwrap_or(1.0));
    let (mut loads, mut probes, mut ended_by) = (Vec::new(), Vec::new(), None);
    while let (Some(rate), None) = (search.next_rate(), &ended_by) {
        let load = Load { alias: format!("probe-{}", probes.len() + 1), rate: Some(rate), ..load.clone() };
        let steps = [warm_up(&load), load];
        let Session { report, loads: mut results, has_failed } =
            Box::pin(session::run(trial, settings, interrupt, &steps, progress)).await;
        // The first result is that of the tasks before.
        let Some(result) = (results.len() == steps.len()).then(|| results.pop()).flatten() else {
            ended_by = Some(Box::new(report));
            break;
        };
        let probe = probe(rate, bound, &result);
        progress.note(&probe_text(&result, &probe, &bound.to_string()));
        match report.verdict {
            Verdict::Passed => {}
            // That tasks are not verified is what a search may find.
            Verdict::Failed { .. } if has_failed => remove(&report),
            _ => ended_by = Some(Box::new(report)),
        }
        loads.push(result);
        probes.push(probe);
        if ended_by.is_none() {
            search.note(rate, probe.outcome);
        }
    }
    let limit = if ended_by.is_some() { Limit::Unfinished } else { search.limit() };
    let search = SearchResult { bound: bound.to_string(), rate: search.held(), limit, probes };
    Driven { loads, search: Some(search), has_failed: false, trial: ended_by }
}

fn warm_up(load: &Load) -> Load {
    let (tasks, concurrency) = (Some(WARM_UP), Some(WARM_UP_AT_ONCE));
    let alone = Load { alias: "warm-up".to_owned(), rate: None, tasks, concurrency, ..load.clone() };
    Load { duration: None, workers: None, ..alone }
}

/// What a load shows about its rate. If tasks could not be created at the rate, nothing about what is tested.
fn probe(rate: f64, bound: Bound, result: &LoadResult) -> Probe {
    let latencies = result.verified().map(|phase| phase.since_due);
    let kept = result.tasks.unsent == 0 && result.rate.is_none_or(|achieved| achieved.kept);
    let holds = result.tasks.all_verified() && latencies.is_some_and(|latencies| bound.holds(&latencies));
    let outcome = match (kept, holds) {
        (false, _) => ProbeOutcome::RateNotKept,
        (true, true) => ProbeOutcome::Held,
        (true, false) => ProbeOutcome::Broken,
    };
    Probe { rate, figure_ms: latencies.map(|latencies| bound.of(&latencies)), outcome }
}

/// The evidence of a rate that is too high is of no use.
fn remove(report: &TrialReport) {
    if report.running.is_empty() {
        let _ = fs::remove_dir_all(&report.directory);
    }
}

/// Says so if the figure is only that of the slowest task.
fn few_tasks(progress: &mut LoadProgress, bound: Bound, load: &Load) {
    let number = load.rate.and_then(|rate| planned(rate, load.tasks.map(Into::into), load.duration.map(Into::into)));
    let least = bound.percentile.least_tasks();
    if let Some(number) = number.filter(|number| *number < least) {
        let name = bound.percentile.as_str();
        progress.note(&format!("{name} of {number} tasks is the time of the slowest; it is not with --tasks {least}"));
    }
}
