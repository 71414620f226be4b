//! An engine of a test's own, for changes that no test may make to the machine's engine.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use hourglass_harness::engine::{Engine, EngineAddress};
use hourglass_test_support::{LIMIT, block_on, eventually};
use rustix::process::{Pid, Signal, geteuid, kill_process};

/// The engine ends with this test's process, for whatever reason that ends. It does not see the interfaces of the
/// machine's own engine, which it would otherwise remove and renumber.
const APART: [&str; 5] = ["setpriv", "--pdeathsig", "TERM", "unshare", "--net"];

/// Why the machine cannot run a second engine.
pub(crate) fn cannot_be_had() -> Option<String> {
    if !geteuid().is_root() {
        return Some("an engine of the test's own needs root".to_owned());
    }
    let output = Command::new(APART[0]).args(&APART[1..]).args(["dockerd", "--version"]).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(format!("{} cannot be run: {error}", APART[0])),
    }
}

/// An engine that shares nothing with the machine's.
pub(crate) struct OwnEngine {
    folder: PathBuf,
    process: Child,
}

impl OwnEngine {
    /// Starts an engine in a folder, which is created if it is missing, with these arguments.
    pub(crate) fn start(folder: PathBuf, settings: &[&str]) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        std::fs::write(path("daemon.json"), "{}").unwrap();
        let log = File::create(path("log")).unwrap();
        let [program, arguments @ ..] = APART;
        let process = Command::new(program)
            .args(arguments)
            .arg("dockerd")
            .arg("--config-file")
            .arg(path("daemon.json"))
            .arg("--host")
            .arg(format!("unix://{}", path("docker.sock").display()))
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .args(["--iptables=false", "--ip6tables=false"])
            .args(settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut engine = Self { folder, process };
        let started = eventually(LIMIT, || {
            assert!(engine.process.try_wait().unwrap().is_none(), "it ended: {}", engine.log());
            block_on(engine.connect()).map(drop)
        });
        assert!(started.is_ok(), "{started:?}: {}", engine.log());
        engine
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    pub(crate) async fn connect(&self) -> Result<Engine, hourglass_harness::engine::EngineError> {
        Engine::connect_to(EngineAddress::Socket(self.socket())).await
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let ended = eventually(Duration::from_secs(30), || self.process.try_wait().ok().flatten().ok_or(()));
        if ended.is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        let _ = std::fs::remove_dir_all(Path::new(&self.folder));
    }
}
