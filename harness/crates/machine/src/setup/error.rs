//! Why a machine did not get an engine.

use std::{io, path::PathBuf, time::Duration};

use hourglass_engine::{EngineAddress, EngineError};

/// Why the Docker engine was not set up.
#[derive(Debug, thiserror::Error)]
pub enum DockerSetupError {
    /// There is something to do, which only root may.
    #[error("failed to set up Docker as this user: that needs root; run `sudo {command}`")]
    NotRoot {
        /// The command that does it.
        command: String,
    },
    /// Packages have other names and other tools there.
    #[error(
        "failed to install {} on {distribution}: only Debian, Ubuntu and what is like them are known; install Docker as its \
         documentation says for this system, and `harness setup docker` does the rest", .packages.join(" and ")
    )]
    UnknownDistribution {
        /// What the system calls itself.
        distribution: String,
        /// What is to be installed.
        packages: Vec<&'static str>,
    },
    /// The engine that is meant is not one that can be started here.
    #[error(
        "failed to set up the engine at {address}, which DOCKER_HOST or a context of the docker command names: only that of this machine can be set up; unset it, or start that engine"
    )]
    NamedElsewhere {
        /// What the variable names.
        address: EngineAddress,
        /// Why that engine cannot be used.
        source: Box<EngineError>,
    },
    /// There is an engine that does not let itself be used.
    #[error("failed to use the engine that is there{}", .source.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default())]
    Engine {
        /// Why.
        source: Box<EngineError>,
    },
    /// Nothing is known of the engine.
    #[error("failed to look at the engine: {0}")]
    Unknown(crate::Unknown),
    /// The engine's configuration is no JSON; the engine would not start with it.
    #[error("failed to read {}: it is no JSON, and dockerd does not start with it; mend or remove it", .path.display())]
    BrokenConfiguration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The engine's configuration is somebody else's.
    #[error(
        "failed to make privileged containers possible: {} is not ours; add these two keys to it, run `sudo kill -HUP $(cat \
         /var/run/docker.pid)` (or `sudo systemctl reload docker`), and they are. Other containers work without\n    \
         {keys}", .path.display()
    )]
    ForeignConfiguration {
        /// The file.
        path: PathBuf,
        /// What belongs in it.
        keys: String,
    },
    /// The package tool failed.
    #[error("failed to install {} with apt-get ({status}); it says:\n{output}", .packages.join(" and "))]
    Packages {
        /// What was to be installed.
        packages: Vec<&'static str>,
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// The package tool is not there.
    #[error("failed to find {program} in PATH or the folders of system programs")]
    NoProgram {
        /// Its name.
        program: &'static str,
    },
    /// The service manager refused.
    #[error("`{command}` failed ({status}); it says:\n{output}")]
    Service {
        /// What was run.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },
    /// The engine's process ended.
    #[error("dockerd ended with {status} at its start; {} ends with:\n{tail}", .log.display())]
    Ended {
        /// How.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// It runs and is not as it should be.
    #[error("timed out after {} waiting for the engine to become ready; {hint}", humantime::format_duration(*.within))]
    NotReady {
        /// How long was waited.
        within: Duration,
        /// Where it says more.
        hint: String,
    },
    /// A file or a program.
    #[error("failed to {doing} {}", .path.display())]
    File {
        /// What was done with it, as `write`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl DockerSetupError {
    /// The error of something that was done with a file.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
