//! The processes of a run: found by their label in `/proc`, ended through pidfds.
//!
//! A process keeps its label when it forks, starts another program or leaves its session. It loses the label only if it
//! clears its environment, and is then found as long as it is a descendant of one that has the label. Processes of
//! other users cannot be read and are left out. Zombies have no environment, so they do not count.

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Kind, LeakedResource, RUN_ID_VARIABLE, ReaperError, RunId,
    stat::Stat,
    tree::{Tree, end_with_all_below},
};

/// A process that carries the id of a run, or was started by one that does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LabelledProcess {
    /// Its process id.
    pub pid: i32,
    /// Its command line, arguments separated by spaces.
    pub command: String,
}

impl fmt::Display for LabelledProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} ({})", self.pid, self.command)
    }
}

/// A variable and its value in the environment of a process.
pub type EnvironmentLabel<'a> = (&'a str, &'a str);

/// The living processes with this run's id, except the caller.
pub fn processes_of(run: &RunId) -> Result<Vec<LabelledProcess>, ReaperError> {
    processes_with(run, &[run.label()])
}

/// Kills at once the processes of a run that have one more label, and waits until they are gone; returns the killed
/// ones.
///
/// Blocks for some milliseconds.
pub fn kill_labelled(run: &RunId, also: EnvironmentLabel<'_>) -> Result<Vec<LabelledProcess>, ReaperError> {
    let labels = [run.label(), also];
    let found = processes_with(run, &labels)?;
    let held: Vec<_> = found.iter().filter_map(|process| Held::of(process.pid, &labels)).collect();
    signal(&held, Signal::KILL);
    await_ends(held, KILL_LIMIT);
    Ok(found)
}

/// Kills at once the processes with a label, whatever their run, and waits until they are gone; returns the killed
/// ones.
///
/// Blocks for some milliseconds.
pub fn kill_carriers(label: EnvironmentLabel<'_>) -> io::Result<Vec<LabelledProcess>> {
    let found = carriers_of(&[label])?;
    let held: Vec<_> = found.iter().filter_map(|process| Held::of(process.pid, &[label])).collect();
    signal(&held, Signal::KILL);
    await_ends(held, KILL_LIMIT);
    Ok(found)
}

fn processes_with(run: &RunId, labels: &[EnvironmentLabel<'_>]) -> Result<Vec<LabelledProcess>, ReaperError> {
    carriers_of(labels).map_err(|source| ReaperError::Processes { run: run.clone(), source })
}

pub(super) fn carriers_of(labels: &[EnvironmentLabel<'_>]) -> io::Result<Vec<LabelledProcess>> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut unread = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        unread.extend(name.to_str().and_then(|name| name.parse::<i32>().ok()).filter(|pid| *pid != own));
    }
    let deadline = Instant::now() + EXEC_LIMIT;
    let mut found = Vec::new();
    loop {
        unread.retain(|pid| match label(*pid, labels) {
            Label::Unreadable => true,
            Label::Other => false,
            Label::Own => {
                found.push(LabelledProcess { pid: *pid, command: command_line(*pid) });
                false
            }
        });
        if unread.is_empty() || Instant::now() > deadline {
            found.sort();
            return Ok(found);
        }
        thread::sleep(EXEC_PAUSE);
    }
}

/// How long a process without an environment is watched; one that really has none costs this much.
const EXEC_LIMIT: Duration = Duration::from_millis(50);
/// The pause between two checks: no event tells that a process has got its environment.
const EXEC_PAUSE: Duration = Duration::from_millis(1);

/// Processes as a kind of resource to sweep, with all their descendants: SIGTERM, then SIGKILL for those that still run
/// after the grace period.
#[derive(Debug, Clone, Copy)]
pub struct Processes {
    /// How long a process may take to end in order.
    pub grace: Duration,
}

/// How long one sweep waits for killed processes to be gone; the next sweep finds those that take longer.
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(1);

impl Kind for Processes {
    fn sweep(&self, run: &RunId) -> Result<Vec<LeakedResource>, ReaperError> {
        let mut found = processes_of(run)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let fail = |source| ReaperError::Processes { run: run.clone(), source };
        let tree = Tree::read().map_err(fail)?;
        let labelled: BTreeSet<_> = found.iter().map(|process| process.pid).collect();
        let below = tree.below(&labelled).into_keys();
        found.extend(below.map(|pid| LabelledProcess { pid, command: command_line(pid) }));
        let roots = tree.roots_among(&labelled).into_iter();
        let roots = roots.filter_map(|pid| Held::of(pid, &[run.label()])).collect();
        end_with_all_below(roots, self.grace).map_err(fail)?;
        Ok(found.into_iter().map(LeakedResource::Process).collect())
    }
}

/// A process that cannot be mistaken for another one that gets the same id later.
#[derive(Debug)]
pub(super) struct Held {
    pid: i32,
    pub(super) pidfd: OwnedFd,
}

impl Held {
    /// `None` if the process has ended, or if its id belongs to a process without the label by now.
    pub(super) fn of(pid: i32, labels: &[EnvironmentLabel<'_>]) -> Option<Self> {
        let held = Self::open(pid)?;
        // Checked after the pidfd was opened: the label seen before may have been that of a process that is gone.
        carries(pid, labels).then_some(held)
    }

    /// The process with this id and start time; `None` if it has ended.
    pub(super) fn started(pid: i32, started: u64) -> Option<Self> {
        let held = Self::open(pid)?;
        Stat::of(pid).is_some_and(|stat| stat.started == started && !stat.has_ended()).then_some(held)
    }

    fn open(pid: i32) -> Option<Self> {
        let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Self { pid, pidfd })
    }

    /// Its process id, which another process may have once this one has ended.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }
}

/// Sends a signal to all.
pub(super) fn signal<'a>(held: impl IntoIterator<Item = &'a Held>, signal: Signal) {
    for process in held {
        // A process that has ended gets no signal; its pidfd guarantees that.
        let _ = pidfd_send_signal(&process.pidfd, signal);
    }
}

/// Waits until all have ended; returns those that are still alive after the limit.
pub(super) fn await_ends(mut held: Vec<Held>, limit: Duration) -> Vec<Held> {
    let deadline = Instant::now() + limit;
    while !held.is_empty() {
        let mut ends: Vec<_> = held.iter().map(|process| PollFd::new(&process.pidfd, PollFlags::IN)).collect();
        match wait(&mut ends, Some(deadline)) {
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
        let ended: Vec<bool> = ends.iter().map(|end| !end.revents().is_empty()).collect();
        let mut ended = ended.into_iter();
        held.retain(|_| !ended.next().unwrap_or_default());
    }
    held
}

/// Waits until one of the files is ready; `false` if the deadline passed before.
pub(super) fn wait(files: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let timeout = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        match poll(files, timeout.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The content of a process's environment.
#[derive(Debug, PartialEq, Eq)]
enum Label {
    Own,
    Other,
    /// It lives and has no environment. Every process is in this state between execve and the new program's first
    /// instruction, and a spawn returns in the middle of it.
    Unreadable,
}

fn label(pid: i32, labels: &[EnvironmentLabel<'_>]) -> Label {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return Label::Other };
    // Zombies and kernel threads have neither environment nor executable.
    if environment.is_empty() && fs::read_link(format!("/proc/{pid}/exe")).is_ok() {
        return Label::Unreadable;
    }
    let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
    let has = |(name, value): &EnvironmentLabel<'_>| {
        variables.iter().any(|variable| {
            let found = variable.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            found == Some(value.as_bytes())
        })
    };
    if labels.iter().all(has) { Label::Own } else { Label::Other }
}

/// Whether a process has all of these labels.
pub(super) fn carries(pid: i32, labels: &[EnvironmentLabel<'_>]) -> bool {
    let deadline = Instant::now() + EXEC_LIMIT;
    loop {
        match label(pid, labels) {
            // It is starting another program, as a script does with `exec`.
            Label::Unreadable if Instant::now() < deadline => thread::sleep(EXEC_PAUSE),
            label => return label == Label::Own,
        }
    }
}

/// The run in a process's label.
pub(super) fn run_of(pid: i32) -> Option<RunId> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| {
        variable.strip_prefix(RUN_ID_VARIABLE.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    })?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The run whose supervisor a process is, according to its arguments.
pub(super) fn supervised_by(pid: i32) -> Option<RunId> {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = arguments.split(|byte| *byte == 0).skip(1);
    if (arguments.next(), arguments.next()) != (Some(b"supervise"), Some(b"--run")) {
        return None;
    }
    std::str::from_utf8(arguments.next()?).ok()?.parse().ok()
}

/// Whether a process is the supervisor of a run.
pub(super) fn is_supervisor(pid: i32) -> bool {
    supervised_by(pid).is_some()
}

pub(super) fn command_line(pid: i32) -> String {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = arguments.strip_suffix(&[0]).unwrap_or(&arguments);
    String::from_utf8_lossy(arguments).replace('\0', " ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_pid_that_belongs_to_another_process_by_now_is_not_held() {
        let (run, other) = (RunId::generate(), RunId::generate());
        let (name, value) = other.label();
        let mut child = Command::new("sleep").arg("60").env(name, value).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(processes_of(&other).unwrap().len(), 1, "a process that was just spawned was overlooked");

        let mistaken = Held::of(pid, &[run.label()]).is_some();
        let meant = Held::of(pid, &[other.label()]).is_some();
        child.kill().unwrap();
        child.wait().unwrap();

        assert!(meant, "the label of a living process was not seen");
        assert!(!mistaken, "a process of another run would be killed");
    }

    #[test]
    fn a_zombie_is_not_a_process_of_the_run() {
        let run = RunId::generate();
        let (name, value) = run.label();
        let mut child = Command::new("sleep").arg("60").env(name, value).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(processes_of(&run).unwrap(), [LabelledProcess { pid, command: "sleep 60".to_owned() }]);

        let held = vec![Held::of(pid, &[run.label()]).unwrap()];
        signal(&held, Signal::KILL);
        let left = await_ends(held, KILL_LIMIT);

        assert!(left.is_empty(), "the end of a killed process was not seen");
        assert_eq!(
            processes_of(&run).unwrap(),
            [],
            "a process that only waits to be reaped was counted as left behind"
        );
        child.wait().unwrap();
    }
}
