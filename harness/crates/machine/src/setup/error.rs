//! Why a machine did not get an engine.

use std::{io, path::PathBuf, time::Duration};

use hourglass_engine::{EngineAddress, EngineError};

/// Why the Docker engine was not set up.
#[derive(Debug, thiserror::Error)]
pub enum DockerSetupError {
    /// Only root may do what is still to be done.
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
        /// The distribution's name for itself.
        distribution: String,
        /// The packages to install.
        packages: Vec<&'static str>,
    },
    /// The engine is not one that can be started here.
    #[error(
        "failed to set up the engine at {address}, which DOCKER_HOST or a context of the docker command names: only that of this machine can be set up; unset it, or start that engine"
    )]
    NamedElsewhere {
        /// The address that was named.
        address: EngineAddress,
        /// Why that engine cannot be used.
        source: Box<EngineError>,
    },
    /// There is an engine that cannot be used.
    #[error("failed to use the engine that is there{}", .source.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default())]
    Engine {
        /// Why.
        source: Box<EngineError>,
    },
    /// The state of the engine is unknown.
    #[error("failed to look at the engine: {0}")]
    Unknown(crate::Unknown),
    /// The engine's configuration is not valid JSON; the engine would not start with it.
    #[error("failed to read {}: it is no JSON, and dockerd does not start with it; mend or remove it", .path.display())]
    BrokenConfiguration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Somebody else wrote the engine's configuration.
    #[error(
        "failed to make privileged containers possible: {} is not ours; add these two keys to it, run `sudo kill -HUP $(cat \
         /var/run/docker.pid)` (or `sudo systemctl reload docker`), and they are. Other containers work without\n    \
         {keys}", .path.display()
    )]
    ForeignConfiguration {
        /// The file.
        path: PathBuf,
        /// The keys that belong in it.
        keys: String,
    },
    /// The package tool failed.
    #[error("failed to install {} with apt-get ({status}); it says:\n{output}", .packages.join(" and "))]
    Packages {
        /// The packages to install.
        packages: Vec<&'static str>,
        /// How it ended.
        status: String,
        /// The end of its output.
        output: String,
    },
    /// The package tool does not exist.
    #[error("failed to find {program} in PATH or the folders of system programs")]
    NoProgram {
        /// Its name.
        program: &'static str,
    },
    /// A program does not end.
    #[error("timed out after {} waiting for {program} to end; run it by hand to see what it waits for", humantime::format_duration(*.within))]
    Hangs {
        /// Its name.
        program: &'static str,
        /// How long the harness waited.
        within: Duration,
    },
    /// The service manager refused.
    #[error("`{command}` failed ({status}); it says:\n{output}")]
    Service {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// Its output.
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
    /// It runs and is not in the required state.
    #[error("timed out after {} waiting for the engine to become ready; {hint}", humantime::format_duration(*.within))]
    NotReady {
        /// How long it was awaited.
        within: Duration,
        /// Where to find more.
        hint: String,
    },
    /// A file or a program.
    #[error("failed to {doing} {}", .path.display())]
    File {
        /// What the operation was, as `write`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl DockerSetupError {
    /// For `map_err` on operations with files.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
