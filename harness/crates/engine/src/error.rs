//! Errors of the engine.

use std::{io, time::Duration};

use bollard::errors::Error as CallError;

use super::EngineAddress;

/// Why the engine cannot be used, or a call of it failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no socket.
    #[error("failed to find a Docker engine: there is no {address}")]
    NotThere {
        /// The expected address.
        address: EngineAddress,
    },
    /// The socket belongs to an engine that has ended.
    #[error("failed to reach the Docker engine at {address}: nobody listens there")]
    Stopped {
        /// The socket.
        address: EngineAddress,
        /// What the system answered.
        source: io::Error,
    },
    /// This user may not use the socket.
    #[error("failed to use the Docker engine at {address}: this user may not")]
    Forbidden {
        /// The socket.
        address: EngineAddress,
    },
    /// The program that listens does not answer as an engine does.
    #[error("failed to get an answer of the Docker engine at {address}")]
    NoAnswer {
        /// Its address.
        address: EngineAddress,
        /// The answer.
        source: CallError,
    },
    /// It does not answer.
    #[error("timed out after {} waiting for an answer of the Docker engine at {address}", humantime::format_duration(*within))]
    Silent {
        /// Its address.
        address: EngineAddress,
        /// How long it was awaited.
        within: Duration,
    },
    /// A context of the docker command leads to no engine.
    #[error("failed to find the Docker engine of {address}: {reason}")]
    NoContext {
        /// The context.
        address: EngineAddress,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not reached through a socket of this machine.
    #[error(
        "failed to use the Docker engine at {address}: the harness reaches engines by sockets of this machine only"
    )]
    Elsewhere {
        /// Its address.
        address: EngineAddress,
    },
    /// It went away during its use.
    #[error("failed to {doing}: the Docker engine does not answer any more")]
    Gone {
        /// What the operation was.
        doing: String,
        /// The error instead of an answer.
        source: CallError,
    },
    /// It has no address range left for another network.
    #[error("failed to {doing}: the Docker engine has no address range left for another network")]
    NoAddresses {
        /// What the operation was.
        doing: String,
        /// Its answer.
        source: CallError,
    },
    /// It refused another request.
    #[error("failed to {doing}")]
    Refused {
        /// What the operation was.
        doing: String,
        /// Its answer.
        source: CallError,
    },
}

impl EngineError {
    /// What to do about it, if that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NotThere { address } | Self::Stopped { address, .. }
                if matches!(address, EngineAddress::Chosen { .. }) =>
            {
                Some(
                    "start that engine, or choose another one with `docker context use` or DOCKER_HOST, as \
                     DOCKER_HOST=unix:///var/run/docker.sock",
                )
            }
            Self::NotThere { .. } => Some(
                "install and start Docker (`harness setup docker` does on Debian and Ubuntu), or name an engine with \
                 DOCKER_HOST",
            ),
            Self::Stopped { .. } => {
                Some("start the engine (`harness setup docker` or your service manager); its own log says why it ended")
            }
            Self::Gone { .. } => Some(
                "start the engine (`harness setup docker` or your service manager), whose own log says why it ended; if \
                 that takes longer than half a minute, end what is left in it with `harness gc`",
            ),
            Self::Forbidden { .. } => {
                Some("add this user to the socket's group (`sudo usermod -aG docker $USER`, then log in anew)")
            }
            Self::NoContext { .. } => Some(
                "choose a context that `docker context ls` lists with `docker context use` or DOCKER_CONTEXT, or name an \
                 engine of this machine with DOCKER_HOST=unix:///var/run/docker.sock",
            ),
            Self::Elsewhere { .. } => Some(
                "executors make their performers through the engine's socket: name an engine of this machine with \
                 DOCKER_HOST=unix:///var/run/docker.sock or `docker context use default`, or run the harness where the \
                 engine is",
            ),
            Self::NoAnswer { .. } | Self::Silent { .. } => Some(
                "see that DOCKER_HOST, or the context of the docker command, names a Docker engine, and read the engine's \
                 own log",
            ),
            Self::NoAddresses { .. } => Some(
                "remove networks that nobody uses (`harness gc`, `docker network prune`), run fewer trials at once, or \
                 give the engine more `default-address-pools` in daemon.json",
            ),
            Self::Refused { .. } => None,
        }
    }

    /// Whether the engine reports that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the engine reports that the requested state exists already, or is being reached.
    pub fn is_conflict(&self) -> bool {
        matches!(self.status(), Some(304 | 409))
    }

    /// The status code of the engine's answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { source: CallError::DockerResponseServerError { status_code, .. }, .. } => {
                Some(*status_code)
            }
            _ => None,
        }
    }

    pub(super) fn of_call(doing: String, source: CallError) -> Self {
        match &source {
            CallError::DockerResponseServerError { message, .. } if has_no_addresses(message) => {
                Self::NoAddresses { doing, source }
            }
            CallError::DockerResponseServerError { .. } | CallError::DockerStreamError { .. } => {
                Self::Refused { doing, source }
            }
            _ if is_connection(&source) => Self::Gone { doing, source },
            _ => Self::Refused { doing, source },
        }
    }
}

/// Adds the operation to the error of a call.
pub trait EngineContext<T> {
    /// The error with `doing` ("start container x"), and with the meaning of the engine's answer.
    fn context(self, doing: impl FnOnce() -> String) -> Result<T, EngineError>;
}

impl<T> EngineContext<T> for Result<T, CallError> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T, EngineError> {
        self.map_err(|source| EngineError::of_call(doing(), source))
    }
}

/// No status code identifies it; both texts are the engine's own, of version 20 and of version 27.
fn has_no_addresses(message: &str) -> bool {
    message.contains("non-overlapping IPv4 address pool") || message.contains("all predefined address pools")
}

fn is_connection(error: &CallError) -> bool {
    matches!(
        error,
        CallError::IOError { .. }
            | CallError::HyperResponseError { .. }
            | CallError::HyperLegacyError { .. }
            | CallError::RequestTimeoutError
            | CallError::SocketNotFoundError(_)
    )
}
