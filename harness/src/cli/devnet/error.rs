//! Why a devnet or a task in it cannot be used.

use std::{io, path::PathBuf, time::Duration};

use hourglass_base::{ExitStatus, StoredError};
use hourglass_component::{
    chain::{ChainError, SendError},
    keys::H256,
};

/// Why a devnet or a task in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// None is running.
    #[error("there is no running devnet below {root}", root = root.display())]
    NotRunning {
        /// The folder of all trials.
        root: PathBuf,
    },
    /// None with this name is running.
    #[error("there is no running devnet {name}; there are {known}", known = known.join(", "))]
    Unknown {
        /// The name as given.
        name: String,
        /// Those that are running.
        known: Vec<String>,
    },
    /// Several could be meant.
    #[error("there are {count} running devnets: {known}", count = known.len(), known = known.join(", "))]
    Several {
        /// The devnets.
        known: Vec<String>,
    },
    /// The file for its variables has something else.
    #[error("failed to write {path}: it is there and has not been written by `harness devnet`", path = path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// What it says about itself cannot be read.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// A key of it is none.
    #[error("failed to use devnet {devnet}: its account `{account}` has no valid key")]
    Key {
        /// The devnet.
        devnet: String,
        /// The account.
        account: &'static str,
    },
    /// Another process creates a task and does not come to an end.
    #[error("failed to create a task in devnet {devnet}: another process that does so has held {path} for {}", humantime::format_duration(*within), path = path.display())]
    Locked {
        /// The devnet.
        devnet: String,
        /// The lock.
        path: PathBuf,
        /// How long it was waited for.
        within: Duration,
    },
    /// The lock cannot be used.
    #[error("failed to lock {path}", path = path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The contract refused the task, or the chain does not answer.
    #[error(transparent)]
    Create(#[from] SendError),
    /// The chain does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The mailboxes do not know the task.
    #[error("there is no task {task:?} on {chains} of devnet {devnet}")]
    UnknownTask {
        /// The task.
        task: H256,
        /// The chains that were asked.
        chains: &'static str,
        /// The devnet.
        devnet: String,
    },
}

impl DevnetError {
    /// The exit status of this kind of failure.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::NotRunning { .. }
            | Self::Unknown { .. }
            | Self::Several { .. }
            | Self::ForeignFile { .. }
            | Self::UnknownTask { .. } => ExitStatus::Usage,
            Self::Create(SendError::Reverted { .. }) => ExitStatus::Failed,
            _ => ExitStatus::Environment,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning { .. } => Some("start one with `harness devnet`, in another terminal or with `--keep`"),
            Self::Unknown { .. } => Some("choose one of them with `--devnet RUN`"),
            Self::Several { .. } => Some("choose one with `--devnet RUN`; the beginning of its name is enough"),
            Self::ForeignFile { .. } => {
                Some("name another file, such as `--env-file devnet.env`, or move this one away")
            }
            Self::Stored(error) => error.remedy(),
            Self::Key { .. } => Some("end the devnet and start another one"),
            Self::Locked { .. } => Some("end the process that hangs, and try again"),
            Self::Create(SendError::Chain(_)) | Self::Chain(_) => {
                Some("see with `harness runs list` whether the devnet still runs, and end one that does not answer")
            }
            Self::UnknownTask { .. } => Some("check the hash, and the devnet that the task was created in"),
            Self::Lock { .. } | Self::Create(_) => None,
        }
    }
}
