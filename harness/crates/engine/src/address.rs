//! The address of the engine, found as the docker command finds it, so that both use the same engine.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use super::context;

/// The variable that names the engine.
const HOST_VARIABLE: &str = "DOCKER_HOST";
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The address of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAddress {
    /// A socket of this machine.
    Socket(PathBuf),
    /// An address that `DOCKER_HOST` names, which is not a socket of this machine.
    Remote(String),
    /// An address that comes neither from `DOCKER_HOST` nor from the system's usual socket.
    Chosen {
        /// The origin of the choice, as `Docker's context lab`.
        by: String,
        /// The address; else why there is none.
        engine: Result<Box<EngineAddress>, String>,
    },
}

impl EngineAddress {
    /// `DOCKER_HOST`, else the context of the docker command, else the system's socket. If that does not exist and the
    /// docker command would find no engine: a socket of a rootless engine, of Docker Desktop, of Podman or of Colima.
    pub fn locate() -> Self {
        if let Some(host) = env::var(HOST_VARIABLE).ok().filter(|host| !host.is_empty()) {
            return Self::parse(&host);
        }
        if let Some(context::Context { name, host }) = context::current() {
            let engine = host.map(|host| Box::new(Self::parse(&host)));
            return Self::Chosen { by: format!("Docker's context {name}"), engine };
        }
        usual(Path::new(DEFAULT_SOCKET), &|variable| env::var_os(variable).map(PathBuf::from))
    }

    /// Parses the value of `DOCKER_HOST`, or the text form of this type.
    pub fn parse(host: &str) -> Self {
        match host.strip_prefix("unix://") {
            Some(path) => Self::Socket(path.into()),
            None if host.starts_with('/') => Self::Socket(host.into()),
            None => Self::Remote(host.to_owned()),
        }
    }

    /// The address itself, without its origin; else why there is none.
    pub fn plain(&self) -> Result<&Self, &str> {
        match self {
            Self::Socket(_) | Self::Remote(_) => Ok(self),
            Self::Chosen { engine, .. } => engine.as_deref().map_err(String::as_str).and_then(Self::plain),
        }
    }

    /// The socket, if there is one.
    pub fn socket(&self) -> Option<&Path> {
        match self.plain() {
            Ok(Self::Socket(path)) => Some(path),
            _ => None,
        }
    }

    /// The variable `DOCKER_HOST` for programs that must use this engine; `None` if there is none.
    pub fn variable(&self) -> Option<(&'static str, String)> {
        match self.plain().ok()? {
            Self::Socket(path) => Some((HOST_VARIABLE, format!("unix://{}", path.display()))),
            plain => Some((HOST_VARIABLE, plain.to_string())),
        }
    }

    /// A notice if the docker command does not use this engine.
    pub fn found_beside(&self) -> Option<String> {
        match self {
            Self::Chosen { by, engine: Ok(engine) } if by.ends_with(BESIDE) => Some(format!(
                "there is no {DEFAULT_SOCKET}: using the engine at {engine}; DOCKER_HOST or `docker context use` chooses \
                 another"
            )),
            _ => None,
        }
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(formatter),
            Self::Remote(host) => formatter.write_str(host),
            Self::Chosen { by, engine: Ok(engine) } => write!(formatter, "{engine} ({by})"),
            Self::Chosen { by, engine: Err(_) } => formatter.write_str(by),
        }
    }
}

/// The end of the description of an engine that the docker command does not know.
const BESIDE: &str = "which is there while the system's is not";

/// The system's socket; if that does not exist, the first existing one of users' engines.
fn usual(system: &Path, folder: &dyn Fn(&str) -> Option<PathBuf>) -> EngineAddress {
    let below = |variable: &str, path: &str| folder(variable).map(|folder| folder.join(path));
    let others = [
        ("the rootless engine", below("XDG_RUNTIME_DIR", "docker.sock")),
        ("Docker Desktop", below("XDG_RUNTIME_DIR", ".docker/run/docker.sock")),
        ("Docker Desktop", below("HOME", ".docker/run/docker.sock")),
        ("Docker Desktop", below("HOME", ".docker/desktop/docker.sock")),
        ("Podman", below("XDG_RUNTIME_DIR", "podman/podman.sock")),
        ("Podman", Some("/run/podman/podman.sock".into())),
        ("Colima", below("HOME", ".colima/default/docker.sock")),
        ("Colima", below("XDG_CONFIG_HOME", "colima/default/docker.sock")),
    ];
    if system.exists() {
        return EngineAddress::Socket(system.to_owned());
    }
    let found = others.into_iter().find_map(|(whose, socket)| Some((whose, socket.filter(|path| path.exists())?)));
    match found {
        Some((whose, socket)) => {
            let engine = Ok(Box::new(EngineAddress::Socket(socket)));
            EngineAddress::Chosen { by: format!("the socket of {whose}, {BESIDE}"), engine }
        }
        None => EngineAddress::Socket(system.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[rstest::rstest]
    #[case("unix:///run/user/1000/docker.sock", EngineAddress::Socket("/run/user/1000/docker.sock".into()))]
    #[case("/run/docker.sock", EngineAddress::Socket("/run/docker.sock".into()))]
    #[case("tcp://10.0.0.1:2375", EngineAddress::Remote("tcp://10.0.0.1:2375".to_owned()))]
    fn values_of_docker_host_are_parsed(#[case] host: &str, #[case] expected: EngineAddress) {
        assert_eq!(EngineAddress::parse(host), expected);
    }

    /// Rootless engines listen elsewhere; the use of another engine than Docker's must be reported.
    #[rstest::rstest]
    #[case::rootless("docker.sock", "rootless")]
    #[case::podman("podman/podman.sock", "Podman")]
    #[case::colima(".colima/default/docker.sock", "Colima")]
    fn without_a_system_socket_a_users_socket_is_found_and_reported(#[case] socket: &str, #[case] whose: &str) {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join(socket);
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let system = root.path().join("system.sock");
        let folder = |variable: &str| (variable != "XDG_CONFIG_HOME").then(|| root.path().to_owned());
        assert_eq!(usual(&system, &folder), EngineAddress::Socket(system.clone()), "nothing is there");
        fs::write(&socket, "").unwrap();
        let found = usual(&system, &folder);
        assert_eq!(found.socket(), Some(socket.as_path()));
        assert!(found.to_string().contains(whose), "{found}");
        assert!(found.found_beside().unwrap().contains(&socket.display().to_string()));
        fs::write(&system, "").unwrap();
        assert_eq!(usual(&system, &folder), EngineAddress::Socket(system), "the docker command uses the system's");
    }

    #[test]
    fn an_engine_of_a_context_is_shown_with_the_context() {
        let engine = Ok(Box::new(EngineAddress::parse("unix:///run/lab.sock")));
        let address = EngineAddress::Chosen { by: "Docker's context lab".to_owned(), engine };
        assert_eq!(address.to_string(), "/run/lab.sock (Docker's context lab)");
        assert_eq!(address.variable(), Some(("DOCKER_HOST", "unix:///run/lab.sock".to_owned())));
        assert_eq!(address.found_beside(), None);
    }
}
