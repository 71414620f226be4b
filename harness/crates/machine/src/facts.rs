//! The facts about this machine, before they are judged.

use std::{path::PathBuf, time::Duration};

use bollard::models::SystemInfo;
use hourglass_chain::{AnvilBinary, DeployTool, FoundIn};
use hourglass_engine::{EngineAddress, EngineError};
use jiff::{SignedDuration, Timestamp};

use super::{Bounding, KubernetesFacts, Leftovers};

/// A fact, or why there is none.
pub type Known<T> = Result<T, Unknown>;

/// Why something about the machine is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The check did not end in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Late(Duration),
    /// The system does not provide it.
    #[error("{0}")]
    Untold(String),
}

/// All facts.
#[derive(Debug)]
pub struct Facts {
    /// Anvil; `None` if it was not found.
    pub anvil: Known<Option<AnvilFacts>>,
    /// The program that installs Anvil.
    pub npm: Known<Npm>,
    /// The tools of deploy scripts; none if the project has no deploy scripts.
    pub deploy_tools: Known<Vec<ToolFacts>>,
    /// The engine, or why it cannot be used.
    pub engine: Known<Result<EngineFacts, EngineError>>,
    /// The requirements of clusters besides the engine.
    pub kubernetes: Known<KubernetesFacts>,
    /// The space below the harness's cache.
    pub cache: Known<Space>,
    /// Bytes of memory that a new process can have.
    pub memory: Known<u64>,
    /// Limits of the file watcher.
    pub inotify: Known<Inotify>,
    /// How many files a process may hold open; `None` without a limit.
    pub open_files: Option<u64>,
    /// Leftovers of earlier runs.
    pub leftovers: Known<Leftovers>,
    /// The machine's clock.
    pub clock: Clock,
}

/// An Anvil that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnvilFacts {
    /// Where.
    pub binary: AnvilBinary,
    /// The version that it reports, as `1.7.1`, or why it reports none.
    pub version: Result<String, String>,
}

/// A tool of deploy scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFacts {
    /// Which.
    pub tool: DeployTool,
    /// Whether a deploy script of the project names it.
    pub is_named: bool,
    /// Where deploy scripts find it; `None` if they do not.
    pub found: Known<Option<FoundTool>>,
}

/// A tool that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// Its path.
    pub path: PathBuf,
    /// How it was found.
    pub found_in: FoundIn,
    /// The version that it reports, as `1.7.1`, or why it reports none.
    pub version: Result<String, String>,
}

/// npm, and the Node.js that it runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Npm {
    /// Where npm is.
    pub npm: Option<PathBuf>,
    /// Where Node.js is.
    pub node: Option<PathBuf>,
}

/// An engine that answers.
#[derive(Debug, Clone)]
pub struct EngineFacts {
    /// Where it listens.
    pub address: EngineAddress,
    /// Its version, as `20.10.24`.
    pub version: String,
    /// Its description of itself.
    pub info: SystemInfo,
    /// The bounding set of its process; `None` if the process is not visible from here.
    pub bounding: Option<Bounding>,
    /// The space below its root; `None` if that is not on this machine.
    pub space: Option<Space>,
    /// How far its clock is ahead of this machine's.
    pub ahead: Option<SignedDuration>,
}

/// Free space of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes that this user can still write there.
    pub free: u64,
}

/// Limits of inotify, each for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inotify {
    /// `max_user_instances`.
    pub instances: u64,
    /// `max_user_watches`.
    pub watches: u64,
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The current time.
    pub now: Timestamp,
    /// How far it moved ahead of the monotonic clock while the machine was inspected.
    pub jumped: SignedDuration,
}
