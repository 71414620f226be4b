//! `harness gc`: ends environments that were kept, or whose owner is gone, and removes their folders.

use std::{collections::BTreeSet, io::Write, time::Duration};

use super::CliError;
use crate::{
    reaper::{self, Processes, RunId},
    runner::{KeptRun, RunFolders},
};

/// Ends environments that `harness run --keep` left running, and removes the folders of failed trials
#[derive(Debug, Clone, clap::Args)]
pub struct GcArgs {
    /// Only these runs; default: all that nobody is at
    #[arg(value_name = "RUN")]
    pub runs: Vec<RunId>,
    /// Say what would be ended, and end nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How long a process may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// Ends the runs' processes, removes their folders, and writes to `out` what it did.
pub fn run(args: &GcArgs, out: &mut impl Write) -> Result<(), CliError> {
    let wanted: BTreeSet<_> = args.runs.iter().collect();
    let runs = RunFolders::locate().runs();
    let chosen: Vec<_> = runs.iter().filter(|kept| wanted.is_empty() || wanted.contains(&kept.run)).collect();
    let unknown: Vec<_> = wanted.iter().filter(|run| !runs.iter().any(|kept| kept.run == ***run)).collect();
    if let Some(run) = unknown.first() {
        return Err(CliError::Usage(format!("run {run} has no folder; `harness gc --dry-run` lists those that have")));
    }
    for kept in chosen {
        end(kept, args.dry_run, out)?;
    }
    Ok(())
}

fn end(kept: &KeptRun, dry_run: bool, out: &mut impl Write) -> Result<(), CliError> {
    if kept.is_under_way() {
        writeln!(out, "{}: under way, left alone", kept.run)?;
        return Ok(());
    }
    let processes = reaper::processes_of(&kept.run)?;
    if processes.is_empty() {
        writeln!(out, "{}: nothing runs, folder {}", kept.run, kept.folder.display())?;
    }
    for process in &processes {
        writeln!(out, "{}: {process}", kept.run)?;
    }
    if dry_run {
        return Ok(());
    }
    reaper::sweep(&kept.run, &[&Processes { grace: GRACE }])?;
    std::fs::remove_dir_all(&kept.folder)?;
    Ok(())
}
