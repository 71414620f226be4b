//! Why a worker did not create its share of the tasks.

use std::{io, path::PathBuf, time::Duration};

use hourglass_component::chain::ChainError;

/// Why a worker did not create its share of the tasks.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The configuration cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The configuration is not one. What was read is not repeated: it holds keys.
    #[error("{} is no configuration of a load: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are not so many workers.
    #[error("the load has {workers} workers, and none with the index {index}")]
    Index {
        /// How many there are.
        workers: usize,
        /// The index that was given.
        index: u32,
    },
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Orders cannot be taken.
    #[error("failed to listen on port {port}")]
    Listen {
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Nobody said when to begin.
    #[error("timed out after {} waiting for the order to start", humantime::format_duration(*within))]
    NoStart {
        /// How long it was awaited.
        within: Duration,
    },
    /// A signal ended the worker.
    #[error("a signal ended the worker before all of its tasks were sent")]
    Stopped,
    /// A line could not be printed, so that the task of which it tells would be lost.
    #[error("failed to print what became of a task")]
    Output(#[source] io::Error),
}
