//! Where the engine listens, found as testcontainers finds it, so that both mean the same engine.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

/// The variable that names the engine.
const HOST_VARIABLE: &str = "DOCKER_HOST";
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAddress {
    /// A socket of this machine.
    Socket(PathBuf),
    /// An address that `DOCKER_HOST` names, which is not a socket of this machine.
    Remote(String),
}

impl EngineAddress {
    /// `DOCKER_HOST`, else the system's socket, else that of a rootless engine of this user.
    pub fn locate() -> Self {
        let named = env::var(HOST_VARIABLE).ok().filter(|host| !host.is_empty());
        named.map_or_else(|| Self::Socket(default_socket()), |host| Self::parse(&host))
    }

    /// From what `DOCKER_HOST` may say, or from what this type shows of itself.
    pub fn parse(host: &str) -> Self {
        match host.strip_prefix("unix://") {
            Some(path) => Self::Socket(path.into()),
            None if host.starts_with('/') => Self::Socket(host.into()),
            None => Self::Remote(host.to_owned()),
        }
    }

    /// The socket, where there is one.
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Socket(path) => Some(path),
            Self::Remote(_) => None,
        }
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(formatter),
            Self::Remote(host) => formatter.write_str(host),
        }
    }
}

fn default_socket() -> PathBuf {
    let folder = |variable| env::var_os(variable).map(PathBuf::from);
    let rootless = [
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("docker.sock")),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join(".docker/run/docker.sock")),
        folder("HOME").map(|folder| folder.join(".docker/run/docker.sock")),
        folder("HOME").map(|folder| folder.join(".docker/desktop/docker.sock")),
    ];
    let system = PathBuf::from(DEFAULT_SOCKET);
    if system.exists() {
        return system;
    }
    rootless.into_iter().flatten().find(|socket| socket.exists()).unwrap_or(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("unix:///run/user/1000/docker.sock", EngineAddress::Socket("/run/user/1000/docker.sock".into()))]
    #[case("/run/docker.sock", EngineAddress::Socket("/run/docker.sock".into()))]
    #[case("tcp://10.0.0.1:2375", EngineAddress::Remote("tcp://10.0.0.1:2375".to_owned()))]
    fn what_the_variable_names(#[case] host: &str, #[case] expected: EngineAddress) {
        assert_eq!(EngineAddress::parse(host), expected);
    }
}
