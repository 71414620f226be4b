//! Signals to processes of a run that are named by their ids: through a pidfd, and only to processes with the run's
//! labels.
//!
//! The id may belong to another process by now, and the component that reported it may be wrong or lie.

use std::{fs, io};

use rustix::process::{Signal, pidfd_send_signal};

use super::{
    EnvironmentLabel,
    process::{Held, carriers_of, command_line},
};

/// Why a process got no signal.
#[derive(Debug, thiserror::Error)]
pub enum NotSignalled {
    /// There is no process with this id.
    #[error("there is no process {0}")]
    Gone(i32),
    /// The process does not have the labels.
    #[error("process {pid} ({command}) does not belong to it")]
    Foreign {
        /// Its id.
        pid: i32,
        /// Its command line.
        command: String,
    },
    /// The system refuses.
    #[error("failed to signal process {pid}: {source}")]
    Refused {
        /// Its id.
        pid: i32,
        /// Why.
        source: io::Error,
    },
    /// The processes of this machine cannot be listed.
    #[error("failed to list the processes of this machine: {0}")]
    List(#[from] io::Error),
}

/// Sends a signal to the process with this id, if it has the labels.
pub fn signal_process(pid: i32, labels: &[EnvironmentLabel<'_>], signal: Signal) -> Result<(), NotSignalled> {
    let process = held(pid, labels)?;
    pidfd_send_signal(&process.pidfd, signal).map_err(|source| NotSignalled::Refused { pid, source: source.into() })
}

/// Sends a signal to the process with this id and to its process group, to all that have the labels; returns their ids.
pub fn signal_group(leader: i32, labels: &[EnvironmentLabel<'_>], signal: Signal) -> Result<Vec<i32>, NotSignalled> {
    // First: a process that does not belong to the run leads none of its groups.
    signal_process(leader, labels, signal)?;
    let mut signalled = vec![leader];
    for process in carriers_of(labels)? {
        let is_member = process.pid != leader && relatives(process.pid).is_some_and(|(_, group)| group == leader);
        if is_member && signal_process(process.pid, labels, signal).is_ok() {
            signalled.push(process.pid);
        }
    }
    Ok(signalled)
}

/// The ids of the children of a process that have the labels.
pub fn children_of(parent: i32, labels: &[EnvironmentLabel<'_>]) -> io::Result<Vec<i32>> {
    let carriers = carriers_of(labels)?.into_iter().map(|process| process.pid);
    Ok(carriers.filter(|pid| relatives(*pid).is_some_and(|(of, _)| of == parent)).collect())
}

fn held(pid: i32, labels: &[EnvironmentLabel<'_>]) -> Result<Held, NotSignalled> {
    match Held::of(pid, labels) {
        Some(process) => Ok(process),
        None if relatives(pid).is_none() || is_ending(pid) => Err(NotSignalled::Gone(pid)),
        None => Err(NotSignalled::Foreign { pid, command: command_line(pid) }),
    }
}

/// Whether a process has dropped its program and its environment, and is not yet a zombie: this lasts while the kernel
/// frees its memory. A process that cannot be read belongs to another user and lives.
fn is_ending(pid: i32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The parent and the process group of a living process; they follow its state and its name in brackets, which may
/// contain any character.
fn relatives(pid: i32) -> Option<(i32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let relatives = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (state != "Z").then_some(relatives)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        os::unix::process::{CommandExt as _, ExitStatusExt as _},
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::RunId;

    fn sleeping(labels: &[EnvironmentLabel<'_>], script: &str) -> (Child, i32) {
        let child = Command::new("sh").args(["-c", script]).envs(labels.iter().copied()).process_group(0).spawn();
        let child = child.unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        (child, pid)
    }

    /// A large process takes a while to end, and meanwhile is not a zombie and has no label any more.
    #[test]
    fn an_ending_process_counts_as_gone() {
        let run = RunId::generate();
        let script = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo; read -r line; exit 0";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .envs([run.label()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        signal_process(pid, &[run.label()], Signal::KILL).unwrap();
        let refused = loop {
            if let Err(error) = signal_process(pid, &[run.label()], Signal::KILL) {
                break error;
            }
        };
        child.wait().unwrap();
        assert!(matches!(refused, NotSignalled::Gone(_)), "{refused}");
    }

    /// An executor that is wrong or lies about its performers must not make the harness kill others.
    #[test]
    fn a_process_that_is_not_of_the_run_gets_no_signal_and_is_named() {
        let (run, other) = (RunId::generate(), RunId::generate());
        let (mut child, pid) = sleeping(&[other.label()], "exec sleep 60");
        let error = signal_process(pid, &[run.label()], Signal::KILL).unwrap_err();
        let group = signal_group(pid, &[run.label()], Signal::KILL).unwrap_err();
        assert!(child.try_wait().unwrap().is_none(), "a process of another run was killed");
        signal_process(pid, &[other.label()], Signal::KILL).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
        for error in [error, group] {
            assert!(matches!(error, NotSignalled::Foreign { pid: it, .. } if it == pid), "{error}");
        }
        let gone = signal_process(pid, &[other.label()], Signal::KILL).unwrap_err();
        assert!(matches!(gone, NotSignalled::Gone(it) if it == pid), "{gone}");
    }

    #[test]
    fn a_group_is_signalled_whole_and_children_are_found() {
        let run = RunId::generate();
        let (mut child, pid) = sleeping(&[run.label()], "sleep 60 & sleep 60 & wait");
        let children = loop {
            // No event tells here that a process has forked.
            match children_of(pid, &[run.label()]).unwrap() {
                children if children.len() == 2 => break children,
                _ => std::thread::yield_now(),
            }
        };
        let mut signalled = signal_group(pid, &[run.label()], Signal::KILL).unwrap();
        child.wait().unwrap();
        signalled.sort_unstable();
        let mut expected = [vec![pid], children].concat();
        expected.sort_unstable();
        assert_eq!(signalled, expected);
    }
}
