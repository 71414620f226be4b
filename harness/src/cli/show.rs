//! `harness show`: shows a kept trial, or a report of a run, again.

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use hourglass_report::{
    MARKDOWN_LIMIT, RunReport, Target, TerminalOptions, chrome_trace, html, markdown, run_report_json, run_text,
    trial_text,
};
use hourglass_runner::{RunFolders, TrialDocument, verdict::TrialReport};
use hourglass_timeline::{Event, read_timeline};

use super::{
    CliError, Output,
    kept_run::{Found, find, timeline_of},
    show_error::ShowError,
};

/// The command that repeats a failed trial.
const COMMAND: &str = "harness run";
/// The program that opens a file with the desktop's program for it.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Shows a kept trial, or a report of a run, again
#[derive(Debug, Clone, clap::Args)]
pub struct ShowArgs {
    /// The id of a run or its beginning, or a file: a JSON report of `harness run` or a `trial.json`; default: the
    /// latest kept trial
    #[arg(value_name = "RUN|FILE")]
    pub what: Option<String>,
    /// Only this trial of a report of a run
    #[arg(long, value_name = "NAME")]
    pub trial: Option<String>,
    /// How to show it; default: as text, or with --open as HTML
    #[arg(long, value_enum)]
    pub format: Option<ShowFormat>,
    /// Write it to this file; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Open the file with the desktop's program for it
    #[arg(long)]
    pub open: bool,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ShowFormat {
    /// What the terminal showed, then steps, tasks and the last entries of the timeline
    Text,
    /// The page of `harness run --html`
    Html,
    /// A trace of one trial, for <https://ui.perfetto.dev> and for Chrome
    Trace,
    /// A page for pull requests and for the summary of a step of GitHub Actions
    Markdown,
    /// The JSON document: `run-report` or `trial-report` of `harness schema`
    Json,
}

impl ShowFormat {
    /// The ending of a file of this format; `None` if it is for the terminal.
    const fn ending(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Html => Some(".html"),
            Self::Trace | Self::Json => Some(".json"),
            Self::Markdown => Some(".md"),
        }
    }
}

/// Shows the report on `out`, or writes it to the file that is named.
pub fn run(args: &ShowArgs, out: &mut impl Output) -> Result<(), CliError> {
    let format = args.format.unwrap_or(if args.open { ShowFormat::Html } else { ShowFormat::Text });
    let ending = format.ending();
    if args.open && ending.is_none() {
        return Err(ShowError::NothingToOpen { reason: "text is for the terminal" }.into());
    }
    let folders = RunFolders::locate();
    folders.check()?;
    let found = find(args.what.as_deref(), &folders)?.only(args.trial.as_deref())?;
    // Before the work: another file may be named.
    let target = args.output.as_deref().map(Target::prepare).transpose()?;
    if args.open && target.as_ref().is_some_and(Target::is_output) {
        return Err(ShowError::NothingToOpen { reason: "standard output is not a file" }.into());
    }
    let text = rendered(format, found, target.as_ref())?;
    match (target, args.open) {
        (Some(target), _) => target.write(text.as_bytes())?,
        (None, false) => write!(out, "{text}")?,
        (None, true) => {}
    }
    if args.open {
        let path = match &args.output {
            Some(path) => path.clone(),
            None => temporary(&text, ending.unwrap_or_default())?,
        };
        open(&path)?;
        writeln!(out, "opened {}", path.display())?;
    }
    Ok(())
}

fn rendered(format: ShowFormat, found: Found, target: Option<&Target>) -> Result<String, CliError> {
    let is_file = target.is_some();
    Ok(match (format, found) {
        (ShowFormat::Text, Found::Trial(report)) => {
            let events = events_if_there(&report)?;
            trial_text(&report, &events, options(is_file))
        }
        (ShowFormat::Text, Found::Run(run)) => run_text(&run, options(is_file)).map_err(super::OutputError)?,
        (ShowFormat::Trace, found) => {
            let report = found.trial(None)?;
            let path = timeline_of(&report);
            if !path.exists() {
                return Err(ShowError::NoTimeline { trial: report.trial, path }.into());
            }
            chrome_trace(&report, &read_timeline(&path).map_err(ShowError::from)?)?
        }
        (ShowFormat::Html, found) => {
            let mut run = run_of(found);
            for trial in &mut run.trials {
                trial.events = events_if_there(trial)?.into();
            }
            html(&run, COMMAND, target)?
        }
        (ShowFormat::Markdown, found) => markdown(&run_of(found), COMMAND, MARKDOWN_LIMIT),
        (ShowFormat::Json, Found::Trial(report)) => TrialDocument::of(&report).render()?,
        (ShowFormat::Json, Found::Run(run)) => run_report_json(&run)?,
    })
}

/// A trial as a run of its own.
fn run_of(found: Found) -> RunReport {
    match found {
        Found::Trial(report) => {
            let (started, duration) = (report.started, report.duration);
            RunReport { started, duration, trials: vec![*report], ..RunReport::default() }
        }
        Found::Run(run) => run,
    }
}

/// A file has no colours.
fn options(is_file: bool) -> TerminalOptions {
    let detected = TerminalOptions::detect(COMMAND, &io::stdout());
    TerminalOptions { progress: false, colour: detected.colour && !is_file, ..detected }
}

/// The entries of a trial whose folder is there.
fn events_if_there(report: &TrialReport) -> Result<Vec<Event>, ShowError> {
    let path = timeline_of(report);
    Ok(if path.exists() { read_timeline(&path)? } else { Vec::new() })
}

/// A new file with this text among the temporary files.
fn temporary(text: &str, ending: &str) -> Result<PathBuf, CliError> {
    let unusable = |source| CliError::File { doing: "make a file in", path: env::temp_dir(), source };
    let mut file = tempfile::Builder::new().prefix("harness-show-").suffix(ending).tempfile().map_err(unusable)?;
    file.write_all(text.as_bytes()).map_err(unusable)?;
    let (_, path) = file.keep().map_err(|error| unusable(error.error))?;
    Ok(path)
}

/// Starts the desktop's program for a file, and does not wait for its end.
fn open(path: &Path) -> Result<(), ShowError> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "macos") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") {
        return Err(ShowError::NoDisplay { path: path.to_owned() });
    }
    let null = Stdio::null;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let started = Command::new(OPENER).arg(&path).stdin(null()).stdout(null()).stderr(null()).spawn();
    started.map(drop).map_err(|source| ShowError::Opener { path, opener: OPENER, source })
}
