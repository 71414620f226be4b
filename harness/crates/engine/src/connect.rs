//! A connection that was answered once.

use std::{io, os::unix::net::UnixStream, time::Duration};

use bollard::Docker;
use tokio::time::timeout;

use super::{EngineAddress, EngineContext as _, EngineError};

/// How long an engine may take to report its version.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The limit of one call, in seconds; the longest is the loading of an image.
const CALL_LIMIT: u64 = 300;

/// An engine that answers; clones share the connection.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: Docker,
    address: EngineAddress,
    version: String,
    architecture: String,
}

impl Engine {
    /// The engine that the docker command would use, after a request for its version.
    pub async fn connect() -> Result<Self, EngineError> {
        Self::connect_to(EngineAddress::locate()).await
    }

    /// The engine at this address.
    pub async fn connect_to(address: EngineAddress) -> Result<Self, EngineError> {
        let plain = address
            .plain()
            .map_err(|reason| EngineError::NoContext { address: address.clone(), reason: reason.to_owned() })?;
        let docker = match plain {
            EngineAddress::Remote(host) if !host.starts_with("tcp://") && !host.starts_with("http://") => {
                return Err(EngineError::Elsewhere { address });
            }
            EngineAddress::Socket(path) => {
                // The client's own message would not distinguish a missing engine from a forbidden one.
                UnixStream::connect(path).map_err(|source| refused(&address, source))?;
                Docker::connect_with_unix(&path.to_string_lossy(), CALL_LIMIT, bollard::API_DEFAULT_VERSION)
            }
            plain => Docker::connect_with_host(&plain.to_string()),
        };
        let fail = |source| EngineError::NoAnswer { address: address.clone(), source };
        let silent = || EngineError::Silent { address: address.clone(), within: ANSWER_WITHIN };
        let asked = async { docker.map_err(fail)?.negotiate_version().await.map_err(fail) };
        let docker = timeout(ANSWER_WITHIN, asked).await.map_err(|_| silent())??;
        let version = timeout(ANSWER_WITHIN, docker.version()).await.map_err(|_| silent())?;
        let version = version.context(|| "ask the Docker engine for its version".to_owned())?;
        let (address, version_name) = (plain.clone(), version.version.unwrap_or_default());
        tracing::debug!(%address, version = version_name, "connected to the engine");
        Ok(Self { docker, address, version: version_name, architecture: version.arch.unwrap_or_default() })
    }

    /// Its API.
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Its address, without the origin of the choice.
    pub fn address(&self) -> &EngineAddress {
        &self.address
    }

    /// Its version, as `20.10.24`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The architecture of the images that it runs, as `amd64`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }
}

fn refused(address: &EngineAddress, source: io::Error) -> EngineError {
    let address = address.clone();
    match source.kind() {
        io::ErrorKind::NotFound => EngineError::NotThere { address },
        io::ErrorKind::PermissionDenied => EngineError::Forbidden { address },
        _ => EngineError::Stopped { address, source },
    }
}
