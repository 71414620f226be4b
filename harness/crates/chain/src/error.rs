//! Why the chains of a trial cannot be set up.

use std::{io, path::PathBuf, time::Duration};

use hourglass_base::{below, cache::CacheError};
use hourglass_component::chain::{ChainError, SendError};

use hourglass_timeline::TailError;

/// Why an Anvil chain could not be found, started, prepared or controlled.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The named binary does not exist.
    #[error("failed to find Anvil at {path}, which {origin} names", path = path.display())]
    NotThere {
        /// The path.
        path: PathBuf,
        /// The flag or variable that names it.
        origin: &'static str,
    },
    /// Anvil was not found, and may not or cannot be installed.
    #[error("failed to find Anvil: {reason}")]
    NotFound {
        /// Where it was looked for, and why it was not installed.
        reason: String,
    },
    /// npm could not install it.
    #[error("failed to install {package} with npm into {folder}: {reason}", folder = folder.display())]
    Install {
        /// The npm package and its version.
        package: String,
        /// The target folder.
        folder: PathBuf,
        /// npm's message.
        reason: String,
    },
    /// No folder can be used as the cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The secret for the keys cannot be used.
    #[error("failed to use the secret in {}: {reason}", path.display())]
    Secret {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Anvil would fail at its start.
    #[error("failed to use {path}: it is not UTF-8, and Anvil takes no other paths", path = path.display())]
    NotUtf8 {
        /// The cache, or Anvil itself.
        path: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("failed to use {path}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The process could not be started.
    #[error("failed to start {program} for chain {chain_id}", program = program.display())]
    Spawn {
        /// The Anvil binary.
        program: PathBuf,
        /// The chain.
        chain_id: u64,
        /// Why not.
        source: io::Error,
    },
    /// Its output cannot be followed.
    #[error(transparent)]
    Output(#[from] TailError),
    /// The process ended, or wrote nothing, before it was ready.
    #[error("{program} is not ready as chain {chain_id}: {reason}; its last output:\n{output}", program = program.display())]
    NotReady {
        /// The binary that was started as Anvil.
        program: PathBuf,
        /// The chain.
        chain_id: u64,
        /// What happened instead.
        reason: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// The process ended while the state of its chain was made.
    #[error("chain {chain_id} ended with {end} while its state was made; its last output:\n{output}")]
    Ended {
        /// The chain.
        chain_id: u64,
        /// How it ended, such as `exit status: 1`.
        end: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// Chain time only moves forward, which a node does not enforce.
    #[error("failed to warp chain {chain_id} to {timestamp}: its head is at {head} already")]
    Backwards {
        /// The chain.
        chain_id: u64,
        /// The head's timestamp in seconds.
        head: u64,
        /// The requested timestamp.
        timestamp: u64,
    },
    /// A condition was not met in time.
    #[error("timed out after {} waiting for {what}", humantime::format_duration(*within))]
    Timeout {
        /// What was awaited.
        what: String,
        /// How long.
        within: Duration,
    },
    /// A request to the chain failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A contract of the user's cannot be deployed.
    #[error("failed to deploy the contract `{name}`: {reason}")]
    Contract {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A contract of the user's cannot be put in place of one of the harness.
    #[error("failed to replace the contract `{name}`: {reason}")]
    Replacement {
        /// The name of the contract of the harness.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A deploy script of the user's failed.
    #[error("failed to deploy contracts with `{command}`: {reason}{output}", output = below(output))]
    DeployScript {
        /// Program and arguments.
        command: String,
        /// Why.
        reason: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// A transaction of the set-up failed.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The dump of a state is not in Anvil's format.
    #[error("failed to unpack the state of chain {chain_id}: {reason}")]
    Dump {
        /// The chain.
        chain_id: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl SetupError {
    /// For `map_err` on operations with files.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
