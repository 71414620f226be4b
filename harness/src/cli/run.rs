//! `harness run`: runs trials and reports them on the terminal, and on request in files.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    num::NonZero,
    path::PathBuf,
    time::Duration,
};

use hourglass_base::{ExitStatus, RuntimeKind, blocking, processors};
use hourglass_chain::AnvilSearch;
use hourglass_cluster::ClusterChoice;
use hourglass_machine::{open_files, threads};
use hourglass_reaper as reaper;
use hourglass_report::{
    self as report, GitHub, ReportError, ReportPaths, Reports, RunReport, Terminal, TerminalOptions,
};
use hourglass_runner::{Keep, Schedule, TrialSettings, run_all};
use hourglass_scenario::{Project, Selection, Trial, repeated};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    CliError, OutputError,
    again::Given,
    bundle,
    chosen::ChosenArgs,
    interrupt,
    last_results::LastResults,
    live_logs::LiveLogs,
    notice,
    preparation::{Preparation, end_orphans, tidy},
    run_cluster::ClusterChoiceArgs,
    values::{duration, jobs, whole},
};

/// The command that repeats a failed trial when its options and its name are appended.
const COMMAND: &str = "harness run";

/// More repetitions are a mistake.
const MOST_TIMES: u64 = 1_000;

/// Runs trials and tells what came of them
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Which trials; without --runtime those of the process runtime
    #[command(flatten)]
    pub selection: Selection,
    /// What is put over the scenarios
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The cluster of Kubernetes trials
    #[command(flatten)]
    pub cluster: ClusterChoiceArgs,
    /// How many trials run at once; default: the number of processors
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZero<usize>>,
    /// Start no further trial after the first that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Run each trial so many times, whatever comes of it; a failure of one is a failure
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole::<usize>(1..=MOST_TIMES))]
    pub repeat: usize,
    /// Only trials that failed when they last ran; without --runtime those of every runtime
    #[arg(long)]
    pub failed: bool,
    /// Show the output of components on standard error while trials run, each line with its trial and component
    #[arg(long)]
    pub logs: bool,
    /// When an environment is left running after its trial; `harness gc` ends it
    #[arg(long, value_enum, default_value_t)]
    pub keep: Keep,
    /// How long a trial may take from the start of its chains to the end of its steps; default: `timeout` of the
    /// scenario, else ten minutes, or more where its steps may take longer
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub trial_timeout: Option<Duration>,
    /// Write a `JUnit` report to this file; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a JSON report to this file; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Pack the evidence of each trial that does not pass into an archive in this folder, as `harness bundle` does
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Write an HTML report to this file, which needs no other; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where chains come from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

/// Where chains come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AnvilArgs {
    /// The Anvil binary; default: `HARNESS_ANVIL`, PATH, Foundry's folder, the cache
    #[arg(long, value_name = "PATH")]
    pub anvil: Option<PathBuf>,
    /// Install nothing
    #[arg(long)]
    pub offline: bool,
}

impl AnvilArgs {
    /// The search for these arguments.
    pub fn search(&self) -> AnvilSearch {
        AnvilSearch { flag: self.anvil.clone(), offline: self.offline }
    }
}

impl RunArgs {
    /// The selected trials, and the cluster for those of Kubernetes. Nothing is created before this is known.
    pub(super) fn chosen(&self) -> Result<(Vec<Trial>, ClusterChoice), CliError> {
        let mut selection = self.selection.clone();
        let last = self.failed.then(|| LastResults::read(&selection)).transpose()?;
        let runtimes_of_failed = last.as_ref().filter(|_| selection.patterns.is_empty()).map(LastResults::runtimes);
        if selection.runtimes.is_empty() {
            selection.runtimes = runtimes_of_failed.filter(|runtimes| !runtimes.is_empty()).unwrap_or_default();
        }
        if selection.runtimes.is_empty() {
            selection.runtimes = runtimes_of(&selection.patterns, selection.project()?.as_deref());
        }
        let mut trials = match &last {
            None => self.chosen.trials(&selection)?,
            Some(last) => {
                let mut trials = self.chosen.of_all_shards(&selection, true)?;
                trials.retain(|trial| last.failed().contains(&trial.name));
                match selection.shard {
                    Some(shard) if !trials.is_empty() => shard.of(trials)?,
                    _ => trials,
                }
            }
        };
        let given = Given {
            set: &self.selection.set,
            contracts: &self.selection.contracts,
            project: self.selection.project.as_deref(),
            images: &self.chosen.images,
            allowed_errors: &self.chosen.allowed_errors,
            cluster: &self.cluster,
            trial_timeout: self.trial_timeout,
            anvil: &self.anvil,
        };
        given.note(&mut trials)?;
        let trials = repeated(trials, self.repeat);
        let cluster = self.cluster.choice(&trials)?;
        self.cluster.leaves_namespace_free(&trials, self.jobs.map(NonZero::get), self.keep)?;
        if self.anvil.anvil.is_some() {
            self.cluster.leaves_anvil_to_be_chosen(&trials)?;
        }
        Ok((trials, cluster))
    }
}

/// Runs the trials; the first Ctrl-C ends them in order, the second at once.
pub async fn run(args: &RunArgs) -> Result<ExitStatus, CliError> {
    run_chosen(args, args.chosen()?, interrupt::on_signal, || {}).await
}

/// Runs these trials until `interrupt` is cancelled, which is asked for when nothing is left to refuse. `prepared` is called
/// once what the projects prepare is there.
pub(super) async fn run_chosen(
    args: &RunArgs,
    (trials, cluster): (Vec<Trial>, ClusterChoice),
    interrupt: impl FnOnce() -> CancellationToken,
    prepared: impl FnOnce(),
) -> Result<ExitStatus, CliError> {
    let (reports, refused) = {
        let scenarios: Vec<_> = trials.iter().map(|trial| &*trial.path).collect();
        let html = args.html.as_deref();
        Reports::prepare(ReportPaths { junit: args.junit.as_deref(), json: args.json.as_deref(), html }, &scenarios)
    };
    if !refused.is_empty() {
        return Ok(not_begun(&trials, &reports, refused));
    }
    args.bundle.as_deref().map(bundle::prepare).transpose()?;
    if trials.is_empty() {
        return Ok(nothing_failed(&reports));
    }
    // A namespace has one trial at a time.
    let at_once = if args.cluster.namespace(&trials).is_some() { 1 } else { processors() };
    let jobs = args.jobs.map_or(at_once, NonZero::get);
    let schedule = Schedule { trials, jobs, fail_fast: args.fail_fast };
    threads::enough_for(&schedule.trials, schedule.jobs)?;
    if let Some(warning) = open_files::enough_for(&schedule.trials, schedule.jobs)? {
        notice(&warning);
    }
    let interrupt = interrupt();
    let (logs, output) = args.logs.then(LiveLogs::start).transpose().map_err(CliError::Scheduler)?.unzip();
    let preparation = Preparation { anvil: &args.anvil, keep: args.keep, trial_timeout: args.trial_timeout, output };
    let preparing = Box::pin(preparation.settings(&schedule.trials, cluster));
    let settings = interrupt::unless_interrupted(&interrupt, preparing).await?;
    prepared();
    // This process adopts what an ending component leaves behind.
    reaper::adopt_orphans()?;
    let github = GitHub::detect();
    if let Some(github) = &github {
        tell_github(&github.begin(), reports.take_output());
    }
    let options = Shown { output_is_taken: reports.take_output(), logs: args.logs };
    let (report, shown) = follow(&schedule, &settings, &interrupt, options).await;
    if let Some(logs) = logs {
        blocking(move || logs.finish()).await;
    }
    if let Err(error) = LastResults::remember(&args.selection, &report) {
        // Only `--failed` needs it, and says so.
        tracing::warn!(error = &error as &dyn std::error::Error, "the results cannot be remembered for --failed");
    }
    if let Some(github) = &github {
        summarize(github, &report);
    }
    let mut afterwards: Vec<CliError> = reports.write(&report, COMMAND).into_iter().map(CliError::from).collect();
    afterwards.extend([shown, tidy(&settings.cluster).await].into_iter().filter_map(Result::err));
    if let Some(folder) = &args.bundle {
        afterwards.extend(bundle::each_failure(&report, folder, COMMAND).await);
    }
    // The results of the trials count for more than a failure afterwards.
    let status = afterwards.into_iter().map(|error| {
        error.show();
        error.status()
    });
    let status = status.fold(report.exit_status(), ExitStatus::max);
    let status = end_orphans(status);
    if let Some(github) = &github {
        // Last: from here on, lines are commands again.
        tell_github(&github.commands(&report), reports.take_output());
    }
    Ok(status)
}

/// Writes workflow commands to where the run is shown; GitHub reads both outputs.
fn tell_github(commands: &str, output_is_taken: bool) {
    // Nobody reads a closed output, and the run does not depend on it.
    let _ = if output_is_taken {
        io::stderr().write_all(commands.as_bytes())
    } else {
        io::stdout().write_all(commands.as_bytes()).and_then(|()| io::stdout().flush())
    };
}

/// A summary that cannot be written is no failure of what was tested.
fn summarize(github: &GitHub, report: &RunReport) {
    if let Err((path, error)) = github.append_summary(report, COMMAND) {
        notice(&format!("warning: failed to write the summary of the step to {}: {error}", path.display()));
    }
}

/// A report that cannot be written is reported before the trials, which are not run then; the other report says so. The
/// exit code is not that of a failed environment: running the same again does not help.
fn not_begun(trials: &[Trial], reports: &Reports, refused: Vec<ReportError>) -> ExitStatus {
    let refused: Vec<_> = refused.into_iter().map(CliError::from).collect();
    let status = refused.iter().map(CliError::status).fold(ExitStatus::Failed, ExitStatus::max);
    let not_run = trials.iter().map(|trial| trial.name.clone()).collect();
    let report = RunReport { started: Timestamp::now(), not_run, not_begun: Some(status), ..RunReport::default() };
    let lost = reports.write(&report, COMMAND).into_iter().map(CliError::from);
    refused.into_iter().chain(lost).for_each(|error| error.show());
    status
}

/// With `--failed`, where no selected trial failed when it last ran: reports of a run without trials.
fn nothing_failed(reports: &Reports) -> ExitStatus {
    notice("no selected trial failed when it last ran; nothing is run");
    let report = RunReport { started: Timestamp::now(), ..RunReport::default() };
    let lost = reports.write(&report, COMMAND).into_iter().map(CliError::from);
    let statuses = lost.map(|error| {
        error.show();
        error.status()
    });
    statuses.fold(ExitStatus::Passed, ExitStatus::max)
}

/// The runtimes that all of the names begin with, as in `docker::square`, else the default one.
pub(super) fn runtimes_of(patterns: &[String], project: Option<&Project>) -> Vec<RuntimeKind> {
    let named = patterns.iter().map(|pattern| {
        let (first, _) = pattern.split_once("::")?;
        RuntimeKind::ALL.into_iter().find(|kind| kind.as_str() == first)
    });
    let named: Option<BTreeSet<_>> = named.collect();
    let named = named.map(|named| named.into_iter().collect::<Vec<_>>());
    named.filter(|named| !named.is_empty()).unwrap_or_else(|| vec![default_runtime(project)])
}

/// The process runtime or, in a project whose scenarios are not meant for it, the first that they are meant for.
fn default_runtime(project: Option<&Project>) -> RuntimeKind {
    let meant = project.and_then(|project| project.document.runtimes.as_deref()).unwrap_or(&RuntimeKind::ALL);
    if meant.contains(&RuntimeKind::Process) { RuntimeKind::Process } else { meant[0] }
}

/// How a run is shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// Whether a report takes standard output.
    output_is_taken: bool,
    /// Whether the output of components is shown, which leaves no room for progress.
    logs: bool,
}

/// The results of the trials, and whether they could be shown.
async fn follow(
    schedule: &Schedule,
    settings: &TrialSettings,
    interrupt: &CancellationToken,
    Shown { output_is_taken, logs }: Shown,
) -> (RunReport, Result<(), CliError>) {
    let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
    let output: Box<dyn io::Write + Send> =
        if output_is_taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    let mut options = if output_is_taken {
        TerminalOptions::detect(COMMAND, &io::stderr())
    } else {
        TerminalOptions::detect(COMMAND, &io::stdout())
    };
    options.progress &= !logs;
    let mut terminal = Terminal::new(output, options);
    let ((), (report, written)) = tokio::join!(
        async {
            run_all(schedule, settings, interrupt, &events).await;
        },
        report::follow(receiver, &mut terminal)
    );
    match written {
        // A reader that closes the output needs no more; the exit code still tells the result.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => (report, Err(OutputError(error).into())),
        _ => (report, Ok(())),
    }
}

#[cfg(test)]
mod tests {
    use RuntimeKind::{Docker, Process};

    use super::*;

    /// The command that a failure shows contains only the name of the trial.
    #[rstest::rstest]
    #[case(&[], &[Process])]
    #[case(&["square"], &[Process])]
    #[case(&["docker::square"], &[Docker])]
    #[case(&["docker::square", "docker::burst"], &[Docker])]
    #[case(&["docker::square", "process::square"], &[Process, Docker])]
    #[case(&["docker::square", "burst"], &[Process])]
    #[case(&["scenarios/square.yaml"], &[Process])]
    fn a_full_trial_name_selects_its_runtime(#[case] patterns: &[&str], #[case] runtimes: &[RuntimeKind]) {
        let patterns: Vec<_> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        assert_eq!(runtimes_of(&patterns, None), runtimes);
    }
}
