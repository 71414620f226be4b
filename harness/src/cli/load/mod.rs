//! `harness load`: creates tasks at a rate or so many at a time in the environment of a scenario, and tells what became of
//! them and how long they took.
//!
//! `chosen` makes a load of the arguments and a scenario, `session` runs it in an environment, `search` runs several to find
//! a rate. Latencies, counts and their texts are in `hourglass_load`.

mod chosen;
mod search;
mod session;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hourglass_base::{ExitStatus, RuntimeKind};
use hourglass_load::{Bound, LoadOutcome, LoadReport, table};
use hourglass_machine::{open_files, threads};
use hourglass_reaper as reaper;
use hourglass_report::{LoadProgress, Target, failure_text, write_load};
use hourglass_runner::{
    Keep, TrialSettings,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::{
    AllowedErrors, Images, LOAD_RATES, Load, MOST_CONCURRENT_TASKS, MOST_LOAD_TASKS, MOST_LOAD_WORKERS, Trial,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    AnvilArgs, CliError, Output, interrupt, notice,
    output::{show_result, two_targets},
    preparation::{Preparation, end_orphans, tidy},
    run_cluster::ClusterChoiceArgs,
    source::SourceArgs,
    values::{duration, whole},
};
use chosen::Chosen;
use session::{Driven, Session};

/// Creates tasks at a rate or so many at a time, and tells what became of each and how long each phase took
///
/// Exit codes: 0 every task was verified, 1 one was not or the trial failed, 3 the environment failed. Of a search: 0 a
/// rate was found, 1 the bound held at none.
#[derive(Debug, Clone, clap::Args)]
pub struct LoadArgs {
    /// The scenario whose topology and components are used, and the payload of its first task [default: square]
    #[arg(value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// The most tasks; of a search, of each load
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u64::from(MOST_LOAD_TASKS)))]
    pub tasks: Option<u32>,
    /// When no further task is created; of a search, of each load [default of a search without --tasks: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Tasks a second: each is due at its time, whether or not earlier ones are done. Of a search, the first rate
    /// [default: 10]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,
    /// Tasks at a time: one is created as soon as another is verified or given up
    #[arg(long, value_name = "C", conflicts_with_all = ["rate", "find_rate"], value_parser = whole::<u32>(1..=u64::from(MOST_CONCURRENT_TASKS)))]
    pub concurrency: Option<u32>,
    /// Search the highest rate at which this holds for the time from when a task is due until it is verified: p50, p95, p99
    /// or max, for example `p99<=200ms`
    #[arg(long, value_name = "BOUND")]
    pub find_rate: Option<Bound>,
    /// A YAML file with several payloads: `mix`, a list of entries with `payload` or `payload_hex`, and on request `weight`
    /// and the expected `result` or `result_hex`
    #[arg(long, value_name = "FILE")]
    pub mix: Option<PathBuf>,
    /// How long each task may take until it is verified: since it was due or, with --concurrency, since it was sent
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub within: Duration,
    /// Have the tasks sent from inside the cluster, by this many pods that share them; default: the harness sends them. Needs
    /// the kubernetes runtime
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u64::from(MOST_LOAD_WORKERS)))]
    pub workers: Option<u32>,
    /// Where the components run [default: that of the name, as in `docker::square`, else process]
    #[arg(long, value_name = "RUNTIME")]
    pub runtime: Option<RuntimeKind>,
    /// Where the scenarios come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Images of the user's
    #[command(flatten)]
    pub images: Images,
    /// Errors that may be logged
    #[command(flatten)]
    pub allowed_errors: AllowedErrors,
    /// The cluster of a Kubernetes trial
    #[command(flatten)]
    pub cluster: ClusterChoiceArgs,
    /// When the environment is left running; `harness gc` ends it
    #[arg(long, value_enum, default_value_t, conflicts_with = "find_rate")]
    pub keep: Keep,
    /// How long a trial may take from the start of its chains to the end of its load; default: as long as its load may take
    /// and five minutes, at least ten
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub trial_timeout: Option<Duration>,
    /// Write a JSON report to this file; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write an HTML report to this file, which needs no other; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where chains come from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

/// Runs the load; the first Ctrl-C ends it in order and shows what there is, the second ends it at once.
pub async fn run(args: &LoadArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let Chosen { trial, planned, load, cluster } = args.chosen()?;
    let files: Vec<&Path> = [&*trial.path].into_iter().chain(args.mix.as_deref()).collect();
    let reports = two_targets([args.json.as_deref(), args.html.as_deref()], &files)?;
    let [json, html] = &reports;
    let with_steps = [planned];
    threads::enough_for(&with_steps, 1)?;
    if let Some(warning) = open_files::enough_for(&with_steps, 1)? {
        notice(&warning);
    }
    let interrupt = interrupt::on_signal();
    let preparation =
        Preparation { anvil: &args.anvil, keep: args.keep, trial_timeout: args.trial_timeout, output: None };
    let prepared = Box::pin(preparation.settings(&with_steps, cluster));
    let settings = interrupt::unless_interrupted(&interrupt, prepared).await?;
    // This process adopts what an ending component leaves behind.
    reaper::adopt_orphans()?;
    let (started, clock) = (Timestamp::now(), Instant::now());
    let driven = Box::pin(drive(args, &trial, &settings, &interrupt, load)).await;
    let outcome = outcome(&driven);
    let report = LoadReport {
        version: hourglass_base::Version,
        started,
        duration_ms: (clock.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        trial: trial.name.clone(),
        scenario: trial.path.display().to_string(),
        outcome,
        loads: driven.loads,
        search: driven.search,
    };
    let mut status = status(&report.outcome, driven.trial.as_deref());
    let mut failures: Vec<CliError> = Vec::new();
    failures.extend(json.as_ref().and_then(|target| write_json(target, &report).err()));
    failures.extend(html.as_ref().and_then(|target| Some(write_load(target, &report).err()?.into())));
    failures.extend(tidy(&settings.cluster).await.err());
    // A load that could not be shown is none.
    let shown = show_result(&table(&report), &reports, out);
    if let Some(trial) = driven.trial.filter(|trial| trial.verdict.is_trouble() || trial.kept) {
        notice(failure_text(&trial, &args.again()).trim_end());
    }
    for error in failures {
        error.show();
        status = status.max(error.status());
    }
    shown?;
    Ok(end_orphans(status))
}

async fn drive(
    args: &LoadArgs,
    trial: &Trial,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    load: Load,
) -> Driven {
    let mut progress = LoadProgress::detect();
    progress.show(&format!("{}: starting the environment", trial.name));
    if let Some(bound) = args.find_rate {
        return search::run(trial, settings, interrupt, &load, bound, &mut progress).await;
    }
    let Session { report, loads, has_failed } = session::run(trial, settings, interrupt, &[load], &mut progress).await;
    Driven { loads, search: None, has_failed, trial: Some(Box::new(report)) }
}

/// How it ended, by the trial that decides.
fn outcome(driven: &Driven) -> LoadOutcome {
    match (driven.trial.as_ref().map(|trial| &trial.verdict), &driven.search) {
        (Some(Verdict::Interrupted), _) => LoadOutcome::Interrupted,
        (Some(Verdict::Passed), None) => LoadOutcome::Complete,
        (Some(Verdict::Failed { .. }), None) if driven.has_failed => LoadOutcome::TasksNotVerified,
        (None, Some(search)) if search.rate.is_some() => LoadOutcome::Complete,
        (None, _) => LoadOutcome::NoRateHeld,
        (Some(verdict), _) => LoadOutcome::TrialFailed { verdict: verdict.word().to_owned() },
    }
}

/// A trial that is skipped has created no task, so that it is no success here.
fn status(outcome: &LoadOutcome, trial: Option<&TrialReport>) -> ExitStatus {
    let of_trial = trial.map_or(ExitStatus::Passed, |trial| ExitStatus::from(&trial.verdict));
    match (outcome, of_trial) {
        (LoadOutcome::Complete, status) => status,
        (LoadOutcome::TrialFailed { .. }, ExitStatus::Passed) => ExitStatus::Environment,
        (_, ExitStatus::Passed) => ExitStatus::Failed,
        (_, status) => status,
    }
}

fn write_json(target: &Target, report: &LoadReport) -> Result<(), CliError> {
    Ok(target.write(report.to_json()?.as_bytes())?)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "it is no number of tasks a second, such as 50 or 0.5".to_owned())?;
    if LOAD_RATES.contains(&rate) {
        return Ok(rate);
    }
    Err(format!("a rate is between {} and {} tasks a second", LOAD_RATES.start(), LOAD_RATES.end()))
}
