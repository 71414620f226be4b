//! `harness runs list`: the runs of which something exists.

use std::fmt::Display;

use hourglass_base::Version;
use hourglass_component::causes::with_causes;
use hourglass_engine::{EngineAddress, EngineError};
use hourglass_reaper::{FoundRun, Inventory, RunState, rounded};
use hourglass_runner::RunFolders;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{CliError, Output, format::FormatArgs, list::json};

/// Lists the runs of which something is there: what runs, what was kept, and what has no owner any more
///
/// JSON has `version`; `runs`, each with `run`, `trial`, `state` (running, kept, orphaned, expired), `why`, `owner`,
/// `owner_alive`, `devnet`, `began`, `expires`, `folder`, `processes`, `containers`, `networks` and `volumes`; `engine` and
/// `engine_error`. `harness schema run-list` describes it.
#[derive(Debug, Clone, clap::Args)]
pub struct PsArgs {
    /// How to write them
    #[command(flatten)]
    pub format: FormatArgs,
}

/// The runs of which something is there.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "List of runs")]
pub(super) struct RunList<'a> {
    version: Version<1>,
    /// The runs, by id: the oldest first.
    runs: &'a [FoundRun],
    /// The address of the engine that was asked.
    engine: String,
    /// Why what the engine holds is not in the list; null where it is.
    engine_error: Option<String>,
}

/// Writes the runs to `out`.
pub fn run(args: &PsArgs, out: &mut impl Output) -> Result<(), CliError> {
    let address = EngineAddress::locate();
    let folders = RunFolders::locate();
    folders.check()?;
    let Inventory { mut runs, engine } = Inventory::take(folders.runs(), &address)?;
    for found in &mut runs {
        // Objects of an engine have the name as a label; for processes it is in the folder.
        let of_folder = || RunFolders::trial_in(found.folder.as_deref()?);
        found.trial = found.trial.take().or_else(of_folder);
    }
    let engine_error = engine.err().as_ref().map(explained);
    if args.format.is_json() {
        let listing = RunList { version: Version, runs: &runs, engine: address.to_string(), engine_error };
        return json(&listing, out);
    }
    let now = Timestamp::now();
    for found in &runs {
        text(found, now, out)?;
    }
    if runs.is_empty() {
        writeln!(out, "no run is there")?;
    }
    if let Some(error) = engine_error {
        writeln!(out, "containers are not listed: {error}")?;
    }
    Ok(())
}

fn explained(error: &EngineError) -> String {
    with_causes(error)
}

fn text(found: &FoundRun, now: Timestamp, out: &mut impl Output) -> Result<(), CliError> {
    let state = match found.state {
        RunState::Running => "running",
        RunState::Kept => "kept",
        RunState::Orphaned => "orphaned",
        RunState::Expired => "expired",
    };
    write!(out, "{}  {state:8}  {}", found.run, found.trial.as_deref().unwrap_or("unknown trial"))?;
    if found.devnet {
        write!(out, "  devnet")?;
    }
    if let Some(began) = found.began {
        write!(out, "  began {} ago", rounded(began, now))?;
    }
    if let Some(expires) = found.expires.filter(|expires| *expires > now) {
        write!(out, "  expires in {}", rounded(now, expires))?;
    }
    writeln!(out)?;
    writeln!(out, "  owner       {}", owner(found))?;
    if found.why != state {
        writeln!(out, "  why         {}", found.why)?;
    }
    if let Some(folder) = &found.folder {
        writeln!(out, "  folder      {}", folder.display())?;
    }
    let processes = found.processes.iter().map(|process| format!("{} ({})", process.pid, process.command));
    things("processes", processes, out)?;
    things("containers", found.containers.iter().map(|container| &container.name), out)?;
    things("networks", found.networks.iter().map(|network| &network.name), out)?;
    things("volumes", found.volumes.iter(), out)
}

/// The process that the run belongs to, with its command if it lives.
fn owner(found: &FoundRun) -> String {
    match &found.owner {
        None => "none".to_owned(),
        Some(owner) if !found.owner_alive => format!("process {}, which is gone", owner.pid),
        Some(owner) => match command(owner.pid) {
            Some(command) => format!("process {} ({command})", owner.pid),
            None => format!("process {}", owner.pid),
        },
    }
}

/// The command line of a process; `None` if the system does not provide it.
fn command(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ");
    (!text.is_empty()).then_some(text)
}

fn things(
    kind: &str,
    names: impl ExactSizeIterator<Item = impl Display>,
    out: &mut impl Output,
) -> Result<(), CliError> {
    let count = names.len();
    for (index, name) in names.enumerate() {
        let heading = if index == 0 { format!("{kind} {count}") } else { String::new() };
        writeln!(out, "  {heading:14} {name}")?;
    }
    Ok(())
}
