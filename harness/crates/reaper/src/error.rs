//! What can go wrong while a run is supervised or swept.

use std::{error::Error, io, path::PathBuf, process::ExitStatus, time::Duration};

use hourglass_engine::EngineError;

use super::{LeakedResource, RunId};

/// Why a run could not be supervised or swept.
#[derive(Debug, thiserror::Error)]
pub enum ReaperError {
    /// The path of the running executable, which the supervisor is started from, is not known.
    #[error("failed to find the path of the harness executable")]
    Executable(#[source] io::Error),
    /// A path given to the supervisor cannot be made absolute.
    #[error("failed to make the path {path} absolute", path = path.display())]
    Absolute {
        /// The path as given.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file that takes the supervisor's log cannot be opened.
    #[error("failed to open the log {path} of the supervisor of run {run}", path = path.display())]
    Log {
        /// The run.
        run: RunId,
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The supervisor process could not be started.
    #[error("failed to start {executable} as the supervisor of run {run}", executable = executable.display())]
    Spawn {
        /// The run.
        run: RunId,
        /// What was executed.
        executable: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The supervisor process ended, or sent nothing in time, before it was ready.
    #[error("failed to start the supervisor of run {run}: {executable} was not ready ({state})", executable = executable.display())]
    NotReady {
        /// The run.
        run: RunId,
        /// What was executed.
        executable: PathBuf,
        /// How the supervisor process was last seen.
        state: String,
    },
    /// The supervisor ended on its own while the harness was alive. What it should have swept has been swept.
    #[error("the supervisor of run {run} ended early with {status}")]
    SupervisorGone {
        /// The run.
        run: RunId,
        /// How it ended.
        status: ExitStatus,
    },
    /// The supervisor did not answer: something such as SIGSTOP keeps it from running. It was killed, and what it
    /// should have swept has been swept.
    #[error(
        "the supervisor of run {run}, process {pid}, did not answer within {within:?}, as if it were stopped, and was killed"
    )]
    SupervisorSilent {
        /// The run.
        run: RunId,
        /// The supervisor's process id.
        pid: u32,
        /// How long it was awaited.
        within: Duration,
    },
    /// The communication with the supervisor process failed, or waiting for its end did.
    #[error("failed to speak with the supervisor of run {run}")]
    Conversation {
        /// The run.
        run: RunId,
        /// What the system answered.
        source: io::Error,
    },
    /// The supervisor's report cannot be parsed.
    #[error("failed to read the report of the supervisor of run {run}: {answer:?}")]
    Report {
        /// The run.
        run: RunId,
        /// The supervisor's answer.
        answer: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The supervisor cannot handle the signals that would end it.
    #[error("failed to take signals in the supervisor")]
    Signals(#[source] io::Error),
    /// The supervisor could not sweep at the orderly end of a run.
    #[error("failed to sweep run {run} at its end: {reason}")]
    Sweep {
        /// The run.
        run: RunId,
        /// The supervisor's message, including all causes.
        reason: String,
    },
    /// The table of processes cannot be read.
    #[error("failed to list the processes of run {run}")]
    Processes {
        /// The run.
        run: RunId,
        /// What the system answered.
        source: io::Error,
    },
    /// The Docker engine could not be asked, or did not remove something.
    #[error(
        "what run {run} has in the Docker engine is not swept (`harness gc {run}` does that once the engine answers again)"
    )]
    Engine {
        /// The run.
        run: RunId,
        /// What was wrong with the engine.
        source: Box<EngineError>,
    },
    /// The cluster could not be asked, or did not remove something.
    #[error(
        "what run {run} has in the cluster of {context} is not swept (`harness gc {run}` does that once it answers again)"
    )]
    Cluster {
        /// The run.
        run: RunId,
        /// The cluster's context.
        context: String,
        /// What was wrong with the cluster.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The client for the engine cannot be created.
    #[error("failed to prepare for speaking with the Docker engine")]
    Runtime(#[source] io::Error),
    /// The table of processes cannot be read.
    #[error("failed to list the processes of all runs")]
    AllProcesses(#[source] io::Error),
    /// The system does not let this process be the parent of orphans.
    #[error("failed to adopt the orphans among the processes below this one")]
    Adopt(#[source] io::Error),
    /// Something of the run still exists although it was killed repeatedly.
    #[error("after {limit:?} of sweeping, run {run} still has {}", describe(leftovers))]
    StillThere {
        /// The run.
        run: RunId,
        /// How long was tried.
        limit: Duration,
        /// What the last sweep found.
        leftovers: Vec<LeakedResource>,
    },
    /// A folder to remove is not a real folder below the folder of runs.
    #[error("failed to remove {path}: {reason}", path = path.display())]
    RefusedFolder {
        /// The folder to remove.
        path: PathBuf,
        /// The condition that it does not meet.
        reason: String,
    },
    /// The folder of a run could not be removed.
    #[error("failed to remove {path}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl ReaperError {
    /// Whether the same may succeed a moment later: an engine is restarting, or is busy with the obstacle.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Engine { source, .. } => !matches!(**source, EngineError::Forbidden { .. }),
            Self::Cluster { .. } => true,
            _ => false,
        }
    }
}

fn describe(leftovers: &[LeakedResource]) -> String {
    leftovers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
