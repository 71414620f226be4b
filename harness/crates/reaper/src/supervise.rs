//! The supervisor's side of the pipe: wait until the harness finishes or is gone, then sweep.

use std::{
    error::Error,
    fmt::Display,
    io::{self, Write},
    iter,
    os::fd::OwnedFd,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use hourglass_component::text::safe;
use hourglass_engine::EngineAddress;
use jiff::Timestamp;
use rustix::{
    event::{PollFd, PollFlags},
    process::{Pid, PidfdFlags, pidfd_open},
};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    ClusterAddress, ClusterKind, DEFAULT_GRACE, Descendants, ReaperError, RunFolder, RunId, SweepReport, SweepTargets,
    SweptCluster, descendants::Strays, process::wait, sweep::sweep_all_and,
};

/// Written to standard output once no signal of a terminal can end the supervisor any more.
pub(super) const READY: &str = "ready";
/// The harness requests the last sweep and its report.
pub(super) const FINISH: &str = "finish";
/// Like [`FINISH`]; afterwards the folder is removed unless the harness lives to send [`KEEP`].
pub(super) const SWEEP: &str = "sweep";
/// The harness is about to end programs of the run that have started these processes; one line each, at any time before
/// another word.
pub(super) const HOLD: &str = "hold ";
/// The harness asks to leave everything alone.
pub(super) const KEEP: &str = "keep";

/// The supervisor's answer to [`FINISH`] and [`SWEEP`], as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Nothing of the run remains.
    Swept(SweepReport),
    /// The sweep failed, for this reason.
    Failed(String),
}

/// Arguments of the hidden command with which the harness starts its supervisor.
#[derive(Debug, Clone, clap::Args)]
pub struct SuperviseArgs {
    /// The run whose processes are ended
    #[arg(long, value_name = "ID")]
    pub run: RunId,
    /// Process id of the harness
    #[arg(long, value_name = "PID")]
    pub owner: i32,
    /// Folder to remove when the harness is gone
    #[arg(long, value_name = "DIR", requires = "below")]
    pub remove: Option<PathBuf>,
    /// Folder outside which nothing is removed
    #[arg(long, value_name = "DIR")]
    pub below: Option<PathBuf>,
    /// How long a process may take to end by itself before it is killed
    #[arg(long, value_name = "DURATION", default_value_t = DEFAULT_GRACE.into())]
    pub grace: humantime::Duration,
    /// Docker engine in which the run's containers, networks and volumes are removed
    #[arg(long, value_name = "ADDRESS")]
    pub engine: Option<String>,
    /// Kubeconfig of the cluster in which the run's namespaces are removed
    #[arg(long, value_name = "FILE", requires = "context")]
    pub kubeconfig: Option<PathBuf>,
    /// Context in that kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace in which the run's objects are removed, instead of namespaces of its own
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub namespace: Option<String>,
}

impl SuperviseArgs {
    fn targets(&self, kind: ClusterKind) -> SweepTargets {
        let cluster = self.kubeconfig.clone().zip(self.context.clone());
        let address = cluster.map(|(kubeconfig, context)| ClusterAddress {
            kubeconfig,
            context,
            namespace: self.namespace.clone(),
        });
        SweepTargets {
            engine: self.engine.as_deref().map(EngineAddress::parse),
            cluster: address.map(|address| SweptCluster { address, kind }),
        }
    }
}

/// Runs the supervisor until its work is done; the command line calls this before it starts anything else. `cluster`
/// creates the sweeper of a cluster from its address.
pub fn supervise_main(args: &SuperviseArgs, cluster: ClusterKind) -> ExitCode {
    match supervise(args, cluster) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&args.run, chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn supervise(args: &SuperviseArgs, cluster: ClusterKind) -> Result<(), ReaperError> {
    let run = &args.run;
    let owner = Pid::from_raw(args.owner).and_then(|owner| pidfd_open(owner, PidfdFlags::empty()).ok());
    outlive_signals().map_err(ReaperError::Signals)?;
    say(READY);
    let mut held = Descendants::default();
    let remove_folder = || match (&args.remove, &args.below) {
        (Some(path), Some(root)) => RunFolder { root: root.clone(), path: path.clone() }.remove(),
        _ => Ok(()),
    };
    let later = owner.as_ref().and_then(|owner| owner.try_clone().ok());
    let end = listen(owner, &mut held);
    let strays = Strays::among(held, *args.grace);
    let sweep = |calm| sweep_all_and(run, *args.grace, args.targets(cluster), &strays, calm);
    match end {
        Ok(End::Keep) => {
            log(run, "kept, as asked");
            Ok(())
        }
        Ok(end @ (End::Finish | End::Sweep)) => {
            let swept = sweep(Duration::ZERO);
            let answer = swept.map_or_else(|error| Answer::Failed(chain(&error)), Answer::Swept);
            say(&serde_json::to_string(&answer).unwrap_or_default());
            // A harness that did not wait for this sweep sends the word to finish here.
            let later = listen(later, &mut Descendants::default());
            if matches!(end, End::Finish) || matches!(later, Ok(End::Keep | End::Finish)) {
                return Ok(());
            }
            log(run, format_args!("process {} is gone before it has seen to the folder", args.owner));
            remove_folder()
        }
        end => {
            log(run, format_args!("process {} is gone ({end:?}), sweeping", args.owner));
            // The files of an ending harness are closed before the process has ended. Its components must not be
            // stopped before that: when the last outside parent of a stopped process group ends, the kernel wakes the
            // group and hangs it up.
            let _ = wait(&mut later.iter().map(watched).collect::<Vec<_>>(), Some(Instant::now() + PIPE_LIMIT));
            let swept = sweep(if args.engine.is_some() { CALM } else { Duration::ZERO });
            for leftover in swept.iter().flat_map(|report| &report.leftovers) {
                log(run, format_args!("ended {leftover}"));
            }
            // Whatever the result of the sweep: nobody needs the folder any more.
            let removed = remove_folder();
            swept.and(removed)
        }
    }
}

/// How the harness ended.
#[derive(Debug)]
enum End {
    Finish,
    Sweep,
    Keep,
    /// The pipe was closed, or its owner ended and another process holds the pipe open.
    Gone,
}

/// How long the pipe may stay open after its owner has ended.
const PIPE_LIMIT: Duration = Duration::from_millis(500);

/// How long an engine must have had nothing of a run whose harness was killed: the engine goes on with a request of a client that is
/// gone, and a network or a container takes some hundred milliseconds to be created, or seconds on a busy machine.
const CALM: Duration = Duration::from_secs(5);

/// Waits for a word of the harness or for its end, whichever comes first; `held` receives the processes to hold until
/// then.
///
/// The end of the pipe is the signal that counts: a child between fork and exec has no label yet but holds a copy of
/// the pipe, so once the pipe is closed every process of the run can be found. The end of the owner is watched as well,
/// in case a process outside the run inherited the pipe.
fn listen(mut owner: Option<OwnedFd>, held: &mut Descendants) -> io::Result<End> {
    let input = io::stdin();
    let mut heard = Vec::new();
    let mut deadline = None;
    loop {
        let mut files: Vec<_> =
            iter::once(PollFd::new(&input, PollFlags::IN)).chain(owner.iter().map(watched)).collect();
        if !wait(&mut files, deadline)? {
            return Ok(End::Gone);
        }
        let [spoken, ended] = [0, 1].map(|index| files.get(index).is_some_and(|file| !file.revents().is_empty()));
        if spoken {
            let mut bytes = [0; 1024];
            let count = rustix::io::read(&input, &mut bytes)?;
            heard.extend_from_slice(&bytes[..count]);
            // A word without its line end was cut off by the death of the harness and does not count.
            while let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = heard.drain(..=end).collect();
                match String::from_utf8_lossy(&line).trim_end() {
                    FINISH => return Ok(End::Finish),
                    SWEEP => return Ok(End::Sweep),
                    KEEP => return Ok(End::Keep),
                    line => held.extend(Descendants::from_words(line.strip_prefix(HOLD).unwrap_or_default())),
                }
            }
            if count == 0 {
                return Ok(End::Gone);
            }
        }
        if ended {
            owner = None;
            deadline = Some(Instant::now() + PIPE_LIMIT);
        }
    }
}

fn watched(owner: &OwnedFd) -> PollFd<'_> {
    PollFd::new(owner, PollFlags::IN)
}

/// Handles every signal that a terminal, a service manager or an impatient user sends, and ignores it.
///
/// The handlers stay when the runtime is gone, and nobody reads what they record.
fn outlive_signals() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()] {
        drop(signal(kind)?);
    }
    drop(entered);
    // Dropping it would panic if the caller has a runtime of its own.
    runtime.shutdown_background();
    Ok(())
}

/// Sends a line to the harness; if it is gone, nobody needs the line.
fn say(line: &str) {
    let mut output = io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Records what happened in the log, if there is one.
fn log(run: &RunId, message: impl Display) {
    let message = message.to_string();
    let _ = writeln!(io::stderr(), "{:.3} supervisor of run {run}: {}", Timestamp::now(), safe(&message));
}

fn chain(error: &ReaperError) -> String {
    let causes = iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
