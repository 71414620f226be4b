//! An engine that has no address range left, which is one of the test's own: every other test would lack them too.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bollard::models::NetworkCreateRequest;
use hourglass_harness::engine::{Engine, EngineAddress};
use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::{
    lab::Lab,
    sandbox::run,
    wait::{LIMIT, eventually},
};

/// The range for documentation, which nobody's network has.
const ONLY_POOL: &str = "base=198.51.100.0/30,size=30";
/// Ends the engine when this test's process is gone, whatever ended it.
const WITH_US: [&str; 4] = ["setpriv", "--pdeathsig", "TERM", "dockerd"];

/// Why the machine cannot have a second engine.
pub(crate) fn cannot_be_had() -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !geteuid().is_root() {
        return Some("an engine of the test's own needs root".to_owned());
    }
    let missing = [WITH_US[0], WITH_US[3]].into_iter().find(|program| !is_there(program));
    missing.map(|program| format!("there is no {program} for an engine of the test's own"))
}

pub(crate) fn an_exhausted_address_pool_is_named() {
    let lab = Lab::new();
    let engine = OwnEngine::start(lab.sandbox.path("engine"));
    let address = format!("unix://{}", engine.socket().display());
    lab.block_on(async {
        let taken = NetworkCreateRequest { name: "taken".to_owned(), ..NetworkCreateRequest::default() };
        engine.connect().await.unwrap().docker().create_network(taken).await.unwrap();
    });

    let outcome =
        run(lab.harness(&lab.scenario("steps:\n  - create_task: {payload: \"0x04\"}\n")).env("DOCKER_HOST", address));

    outcome.assert_code(3).assert_shows(&[
        "failed to create network hourglass-r",
        "the Docker engine has no address range left for another network",
        "harness gc",
        "docker network prune",
        "default-address-pools",
    ]);
    lab.sandbox.assert_no_process();
    let networks = lab.block_on(async { engine.connect().await.unwrap().docker().list_networks(None).await.unwrap() });
    let bridges: Vec<_> = networks.into_iter().filter(|network| network.driver.as_deref() == Some("bridge")).collect();
    assert_eq!(bridges.len(), 1, "{bridges:?}");
    lab.block_on(async { engine.connect().await.unwrap().docker().remove_network("taken").await.unwrap() });
}

/// An engine that shares nothing with the machine's.
struct OwnEngine {
    folder: PathBuf,
    process: Child,
}

impl OwnEngine {
    fn start(folder: PathBuf) -> Self {
        std::fs::create_dir(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        std::fs::write(path("daemon.json"), "{}").unwrap();
        let log = File::create(path("log")).unwrap();
        let [program, arguments @ ..] = WITH_US;
        let process = Command::new(program)
            .args(arguments)
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
            // The rules of the machine's own engine stay as they are.
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["--default-address-pool", ONLY_POOL])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut engine = Self { folder, process };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let started = eventually(LIMIT, || {
            assert!(engine.process.try_wait().unwrap().is_none(), "it ended: {}", engine.log());
            runtime.block_on(engine.connect()).map(drop)
        });
        assert!(started.is_ok(), "{started:?}: {}", engine.log());
        engine
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    async fn connect(&self) -> Result<Engine, hourglass_harness::engine::EngineError> {
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
