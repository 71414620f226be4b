//! Starts an engine, and waits until it is ready.

use std::{fs::OpenOptions, path::Path, process::Stdio, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::timeout};

use super::{
    DockerSetupError, System,
    programs::{command, end_of, run},
};
use crate::{
    EngineFacts,
    gather::{engine, process_of_engine},
};

/// An engine that was never started here creates its storage first.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Starts the engine as a service if services are managed, else as a process that outlives the harness, and waits for
/// it.
pub(super) async fn start(system: &System) -> Result<EngineFacts, DockerSetupError> {
    if system.systemd {
        service(system, "start").await?;
        return ready(system, "`journalctl -u docker` says more", |_| true).await;
    }
    let mut child = spawn(system)?;
    let hint = format!("{} says more", system.log.display());
    let ended = tokio::select! {
        facts = ready(system, &hint, |_| true) => return facts,
        ended = child.wait() => ended.map_or_else(|error| error.to_string(), |status| status.to_string()),
    };
    // Another process's engine may have been first, so that this one ends.
    if let Ok(Ok(facts)) = engine(system.engine.clone()).await {
        return Ok(facts);
    }
    let log = std::fs::read(&system.log).unwrap_or_default();
    let tail = end_of(&String::from_utf8_lossy(&log));
    Err(DockerSetupError::Ended { status: ended, log: system.log.clone(), tail })
}

/// Makes a running engine reload its configuration; containers go on.
pub(super) async fn reload(system: &System, wrapper: &Path) -> Result<(), DockerSetupError> {
    if system.systemd {
        service(system, "reload").await?;
    } else {
        let process = process_of_engine().and_then(|id| Pid::from_raw(id.parse().ok()?));
        let process = process.ok_or(DockerSetupError::NoProgram { program: "dockerd" })?;
        kill_process(process, Signal::HUP)
            .map_err(|error| DockerSetupError::file("reload", "dockerd")(error.into()))?;
    }
    let uses = |facts: &EngineFacts| {
        let info = &facts.info;
        let name = info.default_runtime.as_deref().unwrap_or_default();
        let runtime = info.runtimes.as_ref().and_then(|runtimes| runtimes.get(name)?.path.as_deref());
        runtime.is_some_and(|path| Path::new(path) == wrapper)
    };
    ready(system, "its log says whether it took the configuration", uses).await.map(drop)
}

/// A process in a session of its own: the end of the terminal does not end it.
fn spawn(system: &System) -> Result<Child, DockerSetupError> {
    let find = |program| system.program(program).ok_or(DockerSetupError::NoProgram { program });
    let (setsid, dockerd) = (find("setsid")?, find("dockerd")?);
    let fail = || DockerSetupError::file("open", &system.log);
    let log = OpenOptions::new().create(true).append(true).open(&system.log).map_err(fail())?;
    let second = log.try_clone().map_err(fail())?;
    command(system, &setsid)
        .arg(&dockerd)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(second)
        .spawn()
        .map_err(DockerSetupError::file("start", dockerd))
}

async fn service(system: &System, verb: &'static str) -> Result<(), DockerSetupError> {
    let ended = run(system, "systemctl", &[verb, "docker"]).await?;
    if ended.success {
        return Ok(());
    }
    let command = format!("systemctl {verb} docker");
    Err(DockerSetupError::Service { command, status: ended.status, output: ended.output })
}

/// Asks repeatedly, because no event announces an engine.
async fn ready(
    system: &System,
    hint: &str,
    is_ready: impl Fn(&EngineFacts) -> bool,
) -> Result<EngineFacts, DockerSetupError> {
    let ask = || async { engine(system.engine.clone()).await.ok()?.ok().filter(&is_ready) };
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times();
    let asked = (|| async { ask().await.ok_or(()) }).retry(pauses);
    let late = || DockerSetupError::NotReady { within: READY_WITHIN, hint: hint.to_owned() };
    timeout(READY_WITHIN, asked).await.map_err(|_| late())?.map_err(|()| late())
}
