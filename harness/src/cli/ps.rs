//! `harness ps`: the runs of which something is there.

use std::{fmt::Display, io::Write};

use hourglass_component::causes::with_causes;
use jiff::Timestamp;
use serde::Serialize;

use super::{CliError, list::json};
use crate::{
    engine::{EngineAddress, EngineError},
    reaper::{FoundRun, Inventory, RunState, rounded},
    runner::RunFolders,
};

/// Lists the runs of which something is there: what runs, what was kept, and what has no owner any more
#[derive(Debug, Clone, clap::Args)]
pub struct PsArgs {
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    runs: &'a [FoundRun],
    engine: String,
    /// Why what the engine holds is not in the list.
    engine_error: Option<String>,
}

/// Writes the runs to `out`.
pub fn run(args: &PsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let address = EngineAddress::locate();
    let Inventory { runs, engine } = Inventory::take(RunFolders::locate().runs(), &address)?;
    let engine_error = engine.err().as_ref().map(explained);
    if args.json {
        let listing = Listing { runs: &runs, engine: address.to_string(), engine_error };
        return Ok(json(&listing, out)?);
    }
    for found in &runs {
        text(found, out)?;
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
    format!("failed to {}", with_causes(error))
}

fn text(found: &FoundRun, out: &mut impl Write) -> Result<(), CliError> {
    let now = Timestamp::now();
    let state = match found.state {
        RunState::Running => "running",
        RunState::Kept => "kept",
        RunState::Orphaned => "orphaned",
        RunState::Expired => "expired",
    };
    write!(out, "{}  {state:8}", found.run)?;
    if let Some(trial) = &found.trial {
        write!(out, "  {trial}")?;
    }
    if let Some(began) = found.began {
        write!(out, "  began {} ago", rounded(began, now))?;
    }
    if let Some(expires) = found.expires.filter(|expires| *expires > now) {
        write!(out, "  expires in {}", rounded(now, expires))?;
    }
    writeln!(out)?;
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

fn things(
    kind: &str,
    names: impl ExactSizeIterator<Item = impl Display>,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let count = names.len();
    for (place, name) in names.enumerate() {
        let heading = if place == 0 { format!("{kind} {count}") } else { String::new() };
        writeln!(out, "  {heading:14} {name}")?;
    }
    Ok(())
}
