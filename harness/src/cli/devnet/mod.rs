//! `harness devnet`: the environment of a project or a scenario, which stays up for people until they end it.
//!
//! `chosen` makes a trial without steps of the arguments, the runner starts it and keeps it up, `document` says what stands
//! where, and `page`, `variables` and `files` write that. `find` finds a devnet for other commands.

mod chosen;
pub(super) mod document;
mod error;
mod files;
pub(super) mod find;
mod page;
#[cfg(test)]
mod tests;
mod variables;

use std::{fs, io, path::PathBuf, time::Duration};

use hourglass_base::{ExitStatus, RuntimeKind, blocking};
use hourglass_machine::{open_files, threads};
use hourglass_reaper as reaper;
use hourglass_report::{LoadProgress, failure_text_with};
use hourglass_runner::{
    Keep, StandingEnvironment, quoted, run_trial_on_request, step_requests,
    verdict::{TrialReport, Verdict},
};
use hourglass_runtime::UnexpectedEnd;
use hourglass_scenario::{Images, Trial};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    AnvilArgs, CliError, Output,
    format::Format,
    interrupt,
    list::json,
    live_logs::LiveLogs,
    notice,
    preparation::{Preparation, end_orphans, tidy},
    run_cluster::ClusterChoiceArgs,
    source::SourceArgs,
    values::duration,
};
use chosen::Chosen;
use document::DevnetDocument;
pub use error::DevnetError;
use files::EnvFile;

/// Starts chains, contracts, operators and components, tells where they are, and keeps them up until Ctrl-C
///
/// JSON has `version`, `run`, `trial`, `runtime`, `ready`, `kept`, `keep_until`, `folder`, `chains`, `accounts`,
/// `operator_set`, `operators`, `aggregator` and `surroundings`; `harness schema devnet` describes it. The same is in `devnet.json` in the
/// devnet's folder, and as variables in `devnet.env`.
///
/// Exit codes: 0 it was ended as asked, or kept; 1 a component of the user's did not start, or something was left; 3 the
/// environment failed; 130 it was interrupted before it was ready.
#[derive(Debug, Clone, clap::Args)]
pub struct DevnetArgs {
    /// The scenario whose topology and components are used [default: those of the project file, else one operator with
    /// the reference components]
    #[arg(value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// Where the components run [default: that of the name, as in `docker::square`, else process]
    #[arg(long, value_name = "RUNTIME")]
    pub runtime: Option<RuntimeKind>,
    /// Where the scenario comes from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Images of the user's
    #[command(flatten)]
    pub images: Images,
    /// The cluster of the kubernetes runtime
    #[command(flatten)]
    pub cluster: ClusterChoiceArgs,
    /// Show the output of components on standard error, each line with its component
    #[arg(long)]
    pub logs: bool,
    /// Return when it is ready and leave it up; `harness down RUN` ends it
    #[arg(long, conflicts_with = "logs")]
    pub keep: bool,
    /// How long it is kept: after that, `harness gc` may end it [default: until it is named]
    #[arg(long, value_name = "DURATION", requires = "keep", value_parser = duration)]
    pub keep_for: Option<Duration>,
    /// Write the variables of `devnet.env` to this file too; a file that no devnet has written is not replaced
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// How to write what stands where
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where chains come from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

/// Starts the devnet, writes to `out` what stands where, and ends it at the first Ctrl-C; the second ends it at once.
pub async fn run(args: &DevnetArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let Chosen { trial, cluster } = args.chosen()?;
    let trials = [trial];
    threads::enough_for(&trials, 1)?;
    if let Some(warning) = open_files::enough_for(&trials, 1)? {
        notice(&warning);
    }
    let env_file = args.env_file.as_deref().map(EnvFile::prepare).transpose()?;
    let interrupt = interrupt::on_signal();
    let (logs, output) = args.logs.then(LiveLogs::start).transpose().map_err(CliError::Scheduler)?.unzip();
    let keep = if args.keep { Keep::Always } else { Keep::Never };
    let preparation = Preparation { anvil: &args.anvil, keep, trial_timeout: None, output };
    let prepared = Box::pin(preparation.settings(&trials, cluster));
    let settings = interrupt::unless_interrupted(&interrupt, prepared).await?;
    // This process adopts what an ending component leaves behind.
    reaper::adopt_orphans()?;
    let [trial] = trials;
    let (requester, requests, stands) = step_requests();
    let (requests, ends) = requests.open_ended();
    let standing = async {
        let mut progress = LoadProgress::detect();
        progress.show(&format!("{}: starting the environment", trial.name));
        let stands = stands.await;
        progress.clear();
        // If it does not come to stand, the report tells why.
        let Ok(standing) = stands else { return Ok(None) };
        let devnet = match announce(args, &trial, &standing, env_file, out).await {
            Ok(devnet) => devnet,
            Err(error) => {
                interrupt.cancel();
                return Err(error);
            }
        };
        if args.keep {
            requester.finish();
        }
        tell(ends).await;
        Ok(Some(devnet))
    };
    let running = Box::pin(run_trial_on_request(&trial, &settings, &interrupt, &|_| {}, requests));
    let (report, stood) = tokio::join!(running, standing);
    if let Some(logs) = logs {
        blocking(move || logs.finish()).await;
    }
    let mut failures = Vec::new();
    failures.extend(tidy(&settings.cluster).await.err());
    failures.extend(end(&report).err());
    let has_stood = matches!(stood, Ok(Some(_)));
    let mut status = status(&report, has_stood);
    match stood {
        Ok(Some(devnet)) if is_kept(&report) => failures.extend(write(args, &devnet, out).err()),
        Ok(_) => {}
        Err(error) => failures.push(error),
    }
    match report.verdict {
        Verdict::Interrupted if has_stood => {
            notice("the devnet does not end in time; its supervisor ends what is left");
        }
        Verdict::Passed | Verdict::Interrupted => {}
        _ => notice(failure_text_with(&report, &args.again(&report.options)).trim_end()),
    }
    for error in &failures {
        error.show();
        status = status.max(error.status());
    }
    Ok(end_orphans(status))
}

impl DevnetArgs {
    /// The command that starts the devnet again, with the `options` of its trial.
    fn again(&self, options: &[String]) -> String {
        let runtime = self.runtime.map(|runtime| format!("--runtime {runtime}"));
        let builtin = self.source.builtin.then(|| "--builtin".to_owned());
        let folder = self.source.directory.as_ref().filter(|_| builtin.is_none());
        let folder = folder.map(|folder| format!("--scenarios {}", quoted(&folder.to_string_lossy())));
        let scenario = self.scenario.as_deref().map(quoted);
        let words = runtime.into_iter().chain(builtin).chain(folder).chain(options.iter().cloned()).chain(scenario);
        words.fold("harness devnet".to_owned(), |command, word| command + " " + &word)
    }
}

/// Writes the files of a devnet that stands and, unless the command returns first, what stands where.
async fn announce(
    args: &DevnetArgs,
    trial: &Trial,
    standing: &StandingEnvironment,
    env_file: Option<EnvFile>,
    out: &mut impl Output,
) -> Result<DevnetDocument, CliError> {
    let after = |time: Duration| Timestamp::now().checked_add(SignedDuration::try_from(time).ok()?).ok();
    let devnet = DevnetDocument::of(trial, standing).await;
    let devnet = if args.keep { devnet.kept(args.keep_for.and_then(after)) } else { devnet };
    files::write(&devnet, &standing.folder, env_file)?;
    if !args.keep {
        write(args, &devnet, out)?;
    }
    Ok(devnet)
}

fn write(args: &DevnetArgs, devnet: &DevnetDocument, out: &mut impl Output) -> Result<(), CliError> {
    match args.format {
        Format::Json => json(devnet, out)?,
        Format::Text => write!(out, "{}", page::page(devnet))?,
    }
    Ok(out.flush()?)
}

/// Tells of each component that ends, until the devnet does.
async fn tell(mut ends: UnboundedReceiver<UnexpectedEnd>) {
    while let Some(UnexpectedEnd { component, how, output }) = ends.recv().await {
        let output = if output.trim().is_empty() { "  (none)" } else { output.trim_end() };
        notice(&format!("{component} ended with {how}, and the devnet stays up; its last output:\n{output}"));
    }
}

/// Removes what nobody needs of a devnet that has ended: its keys, and the folder of one that was interrupted.
fn end(report: &TrialReport) -> Result<(), CliError> {
    let folder = &report.directory;
    if is_kept(report) || !folder.exists() {
        return Ok(());
    }
    if report.verdict != Verdict::Interrupted {
        return files::remove(folder);
    }
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(CliError::File { doing: "remove", path: folder.clone(), source })
        }
        _ => Ok(()),
    }
}

/// Whether it was left up.
fn is_kept(report: &TrialReport) -> bool {
    !report.running.is_empty()
}

/// A devnet that is not applicable, such as one without nodes, has not been started: that is no success.
fn status(report: &TrialReport, stood: bool) -> ExitStatus {
    match ExitStatus::from(&report.verdict) {
        ExitStatus::Passed if !stood => ExitStatus::Environment,
        status => status,
    }
}
