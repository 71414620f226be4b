//! The paths that a setup reads and changes: those of this machine, or a test's own.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use hourglass_base::path_folders;
use hourglass_engine::EngineAddress;

use super::WRAPPER;
use crate::{Bounding, gather::space};

/// The paths that a setup uses.
#[derive(Debug, Clone)]
pub struct System {
    /// The distribution's description of itself.
    pub os_release: PathBuf,
    /// The engine's configuration.
    pub configuration: PathBuf,
    /// The path of the runtime wrapper.
    pub wrapper: PathBuf,
    /// The log of an engine that the harness starts.
    pub log: PathBuf,
    /// The folders of programs, in search order.
    pub path: Vec<PathBuf>,
    /// Whether the harness may change the machine.
    pub root: bool,
    /// Whether systemd manages services.
    pub systemd: bool,
    /// What an engine that is started here can never get; `None` if the system does not provide it.
    pub bounding: Option<Bounding>,
    /// The address of the engine.
    pub engine: EngineAddress,
    /// The command that does this as root.
    pub command: String,
    /// The bytes that can be written below a folder, which need not exist yet; `None` if the system does not tell.
    pub free: fn(&Path) -> Option<u64>,
}

impl System {
    /// This machine.
    pub fn this() -> Self {
        let systemd = Path::new("/run/systemd/system").is_dir();
        // Debian's users do not have these in PATH, and dockerd itself needs them; sudo leaves out the folder of Go.
        let system = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin"].map(PathBuf::from);
        let executable = env::current_exe().unwrap_or_else(|_| "harness".into());
        Self {
            os_release: "/etc/os-release".into(),
            configuration: "/etc/docker/daemon.json".into(),
            wrapper: WRAPPER.into(),
            log: "/var/log/dockerd.log".into(),
            path: path_folders().into_iter().chain(system).collect(),
            root: rustix::process::geteuid().is_root(),
            systemd,
            // A service is a child of init and has the bounding set of init.
            bounding: Bounding::of(if systemd { "1" } else { "self" }),
            engine: EngineAddress::locate(),
            command: format!("{} setup docker", executable.display()),
            free: |folder| Some(space(folder).ok()?.free),
        }
    }

    /// The path of a program.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }

    /// The distribution's name if its packages are not Debian's.
    pub(super) fn unlike_debian(&self) -> Option<String> {
        let text = fs::read_to_string(&self.os_release).unwrap_or_default();
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.map(|value| value.trim_matches(['"', '\'']).to_owned())
        };
        let words = [value("ID"), value("ID_LIKE")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        if words.split_whitespace().any(|word| matches!(word, "debian" | "ubuntu")) {
            return None;
        }
        Some(value("PRETTY_NAME").or_else(|| value("ID")).unwrap_or_else(|| "an unknown system".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::debian("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"", None)]
    #[case::ubuntu("PRETTY_NAME=\"Ubuntu 24.04\"\nID=ubuntu\nID_LIKE=debian", None)]
    #[case::mint("ID=linuxmint\nID_LIKE=\"ubuntu debian\"", None)]
    #[case::fedora("NAME=\"Fedora Linux\"\nID=fedora\nPRETTY_NAME=\"Fedora Linux 41\"", Some("Fedora Linux 41"))]
    #[case::like_fedora("ID='rocky'\nID_LIKE='rhel fedora'", Some("rocky"))]
    #[case::silent("", Some("an unknown system"))]
    fn debian_and_similar_distributions_are_recognized(#[case] text: &str, #[case] unlike: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let os_release = folder.path().join("os-release");
        fs::write(&os_release, text).unwrap();
        assert_eq!(System { os_release, ..System::this() }.unlike_debian().as_deref(), unlike);
    }
}
