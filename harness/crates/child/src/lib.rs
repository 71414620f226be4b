//! A child process of a trial: labelled, in a process group of its own, with its output in a file that is followed; and
//! what processes have used.

mod usage;

use std::{
    fmt, io,
    os::fd::OwnedFd,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use hourglass_base::reach_loopback_directly;
use hourglass_timeline::{LastLines, Line, LogFolder, TailError};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::{process::Command, sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use hourglass_reaper::RunId;

pub use usage::{ProcessTable, ProcessUsage, arguments_of};

/// The variable with the component that a process belongs to; its own children inherit it.
pub const COMPONENT_VARIABLE: &str = "HOURGLASS_COMPONENT";

/// How long a killed process may take to be gone, and its output to be read. A process in an uninterruptible system
/// call takes longer; the supervisor ends and reports it.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A running child; dropping it kills the process, unless it was kept.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    pidfd: OwnedFd,
    status: watch::Receiver<Option<ChildEnd>>,
    last: LastLines,
    /// Cancelled when its whole output was read.
    read: CancellationToken,
    /// Ends the reading of output that is too long to be read.
    give_up: CancellationToken,
    reading: Option<AbortOnDropHandle<()>>,
    kept: bool,
}

/// How a child ended: its exit status, or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildEnd(Result<ExitStatus, Arc<str>>);

impl ChildEnd {
    /// The exit status, if it is known.
    pub fn status(&self) -> Option<ExitStatus> {
        self.0.as_ref().ok().copied()
    }
}

impl fmt::Display for ChildEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(status) => status.fmt(formatter),
            Err(reason) => write!(formatter, "an unknown exit status: {reason}"),
        }
    }
}

/// Why a child was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program could not be started.
    #[error("failed to start the program")]
    Start(#[from] io::Error),
    /// Its output cannot be followed.
    #[error(transparent)]
    Output(#[from] TailError),
}

impl Child {
    /// Starts `command` as `name` of a run; its output goes to `NAME.log` in the folder, with hyphens for slashes in
    /// the name, and line by line to `on_line`.
    ///
    /// Must be called within a tokio runtime.
    pub fn spawn(
        mut command: Command,
        name: &str,
        run: &RunId,
        logs: &LogFolder,
        mut on_line: impl FnMut(Line) + Send + 'static,
    ) -> Result<Self, SpawnError> {
        let ended = CancellationToken::new();
        let (output, mut lines) = logs.file(&format!("{}.log", name.replace('/', "-")), ended.clone())?;
        let (variable, id) = run.label();
        reach_loopback_directly(command.as_std_mut());
        command
            .env(variable, id)
            .env(COMPONENT_VARIABLE, name)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .process_group(0);
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // Not reaped yet, so the id is still the child's.
        let pidfd = raw
            .ok_or_else(|| io::Error::other("it has no process id"))
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from))?;
        let (sender, status) = watch::channel(None);
        tracing::debug!(name, pid, "process started");
        let waiting = async move {
            let end = child.wait().await.map_err(|error| error.to_string().into());
            let end = ChildEnd(end);
            tracing::debug!(pid, "process ended with {end}");
            sender.send_replace(Some(end));
            ended.cancel();
        };
        tokio::spawn(waiting.in_current_span());
        let last = LastLines::default();
        let kept_lines = last.clone();
        let read = CancellationToken::new();
        let at_end = read.clone().drop_guard();
        let give_up = CancellationToken::new();
        let no_more = give_up.clone();
        let reading = async move {
            let _at_end = at_end;
            loop {
                let line = tokio::select! {
                    biased;
                    () = no_more.cancelled() => return on_line(Line::unread()),
                    line = lines.next_line() => line,
                };
                let Some(line) = line else { return };
                kept_lines.push(&line.text);
                on_line(line);
            }
        };
        let reading = Some(AbortOnDropHandle::new(tokio::spawn(reading.in_current_span())));
        Ok(Self { pid, pidfd, status, last, read, give_up, reading, kept: false })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub fn status(&self) -> Option<ChildEnd> {
        self.status.borrow().clone()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> ChildEnd {
        end_of(self.status.clone()).await
    }

    /// Its last output lines, still growing.
    pub fn last_lines(&self) -> LastLines {
        self.last.clone()
    }

    /// The last lines of its output, indented.
    pub fn last_output(&self) -> String {
        self.last.to_string()
    }

    /// Waits for its end and until its output is read; returns how it ended, and the last lines, indented.
    pub async fn end(&self) -> (ChildEnd, String) {
        let status = self.wait().await;
        self.read.cancelled().await;
        (status, self.last_output())
    }

    /// Like [`Self::end`], for a task of its own.
    pub fn ended(&self) -> impl Future<Output = (ChildEnd, String)> + Send + 'static {
        let (status, read, last) = (self.status.clone(), self.read.clone(), self.last.clone());
        async move {
            let ended = end_of(status).await;
            read.cancelled().await;
            (ended, last.to_string())
        }
    }

    /// Ends it with SIGTERM, after `grace` with SIGKILL, and waits until its output is read to the end; `false` if
    /// SIGKILL was needed.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.signal(Signal::TERM);
        let orderly = timeout(grace, self.wait()).await.is_ok();
        if !orderly {
            tracing::info!(pid = self.pid, ?grace, "process does not end by SIGTERM and is killed");
            self.signal(Signal::KILL);
            let _ = timeout(GONE_WITHIN, self.wait()).await;
        }
        self.read_to_end().await;
        orderly
    }

    /// Kills it and waits until its output is read to the end.
    pub async fn kill(mut self) {
        self.signal(Signal::KILL);
        let _ = timeout(GONE_WITHIN, self.wait()).await;
        self.read_to_end().await;
    }

    /// Leaves the process running when this is dropped.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    async fn read_to_end(&mut self) {
        let Some(mut reading) = self.reading.take() else { return };
        // It ends with the process; its panic would be one of `on_line`.
        if timeout(GONE_WITHIN, &mut reading).await.is_err() {
            tracing::warn!(pid = self.pid, within = ?GONE_WITHIN, "the output of the process is not read to its end in time");
            // Readers of the lines must know that some are missing.
            self.give_up.cancel();
            let _ = timeout(GONE_WITHIN, reading).await;
        }
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended gets no signal.
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

async fn end_of(mut status: watch::Receiver<Option<ChildEnd>>) -> ChildEnd {
    let ended = status.wait_for(Option::is_some).await;
    let unknown = || ChildEnd(Err("nothing waits for it any more".into()));
    ended.ok().and_then(|status| status.clone()).unwrap_or_else(unknown)
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.kept {
            self.signal(Signal::KILL);
        }
    }
}
