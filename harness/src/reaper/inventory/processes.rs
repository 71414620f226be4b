//! The processes of all runs, and their supervisors.

use std::{collections::BTreeMap, fs, io};

use crate::reaper::{LabelledProcess, RUN_ID_VARIABLE, RunId, process::command_line};

/// What is known of a run from the table of processes.
#[derive(Debug, Default)]
pub(super) struct SeenProcesses {
    pub(super) processes: Vec<LabelledProcess>,
    /// The supervisor's process id.
    pub(super) supervisor: Option<i32>,
    /// A process outside the run that started one of its processes.
    pub(super) starter: Option<i32>,
}

/// Looks at every process once. Those of other users cannot be read and are left out.
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
    for seen in found.values_mut() {
        seen.processes.sort();
        let is_own = |pid| seen.processes.iter().any(|process| process.pid == pid);
        // What the first process has adopted has lost its parent.
        let parents = seen.processes.iter().filter_map(|process| parent(process.pid)).filter(|pid| *pid > 1);
        seen.starter = parents.filter(|pid| !is_own(*pid)).min();
    }
    Ok(found)
}

fn run_of(pid: i32) -> Option<RunId> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| {
        variable.strip_prefix(RUN_ID_VARIABLE.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    })?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The run whose supervisor a process is, by its arguments.
fn supervised_by(pid: i32) -> Option<RunId> {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = arguments.split(|byte| *byte == 0).skip(1);
    if (arguments.next(), arguments.next()) != (Some(b"supervise"), Some(b"--run")) {
        return None;
    }
    std::str::from_utf8(arguments.next()?).ok()?.parse().ok()
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command in parentheses may hold anything; the state follows it, then the parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
