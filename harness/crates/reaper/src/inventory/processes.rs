//! The processes of all runs, and their supervisors.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    LabelledProcess, RunId,
    process::{command_line, run_of, supervised_by},
    stat::Stat,
};

/// The processes of one run.
#[derive(Debug, Default)]
pub(super) struct SeenProcesses {
    pub(super) processes: Vec<LabelledProcess>,
    /// The supervisor's process id.
    pub(super) supervisor: Option<i32>,
    /// A process outside the run that started one of its processes.
    pub(super) starter: Option<i32>,
    /// The run's folder, according to the files that its processes write to.
    pub(super) folder: Option<PathBuf>,
}

/// Reads every process once. The processes of other users cannot be read and are left out.
pub(super) fn look() -> io::Result<BTreeMap<RunId, SeenProcesses>> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut found: BTreeMap<RunId, SeenProcesses> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()).filter(|pid| *pid != own) else {
            continue;
        };
        if let Some(run) = run_of(pid) {
            found.entry(run).or_default().processes.push(LabelledProcess { pid, command: command_line(pid) });
        } else if let Some(run) = supervised_by(pid) {
            found.entry(run).or_default().supervisor = Some(pid);
        }
    }
    for (run, seen) in &mut found {
        seen.processes.sort();
        seen.folder = seen.processes.iter().find_map(|process| folder_of(run, process.pid));
        let is_own = |pid| seen.processes.iter().any(|process| process.pid == pid);
        // A process that init has adopted has lost its parent.
        let parents =
            seen.processes.iter().filter_map(|process| Some(Stat::of(process.pid)?.parent)).filter(|pid| *pid > 1);
        seen.starter = parents.filter(|pid| !is_own(*pid)).min();
    }
    Ok(found)
}

/// The folder with the run's name that contains the standard output of one of its processes.
fn folder_of(run: &RunId, pid: i32) -> Option<PathBuf> {
    let output = fs::read_link(format!("/proc/{pid}/fd/1")).ok()?;
    let folder = output.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == run.as_str()))?;
    folder.is_dir().then(|| Path::to_owned(folder))
}
