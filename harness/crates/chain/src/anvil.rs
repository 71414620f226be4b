//! One Anvil process on a port that the system chooses.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hourglass_child::{Child, ChildEnd, SpawnError};
use hourglass_component::{causes::with_causes, chain::ChainClient, timeout::timeout};
use hourglass_reaper::RunId;
use hourglass_timeline::{Line, LogFolder};
use tokio::{process::Command, sync::oneshot};

use super::{AnvilBinary, ChainControl, SetupError};

/// How long a node may take from its start to its first answer.
pub const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a node without subscriptions would be asked; Anvil has them.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The settings of a chain.
#[derive(Debug, Clone)]
pub struct AnvilSettings {
    /// The chain's id.
    pub chain_id: u64,
    /// The initial state, as `--load-state` takes it.
    pub state: Option<PathBuf>,
    /// A folder for files that Anvil would otherwise write to the home folder.
    pub folder: PathBuf,
}

/// A running chain; dropping it kills the process, unless it was kept.
#[derive(Debug)]
pub struct AnvilProcess {
    child: Child,
    control: ChainControl,
    /// Watched for as long as the process may write to it.
    logs: Option<LogFolder>,
}

impl AnvilProcess {
    /// Starts a chain and waits until it answers with its id and a head; it mines instantly, as
    /// [`ChainControl::mine_instantly`] says. Its output goes to `chain-ID.log` in its folder.
    pub async fn start(binary: &AnvilBinary, settings: &AnvilSettings, run: &RunId) -> Result<Self, SetupError> {
        let logs = LogFolder::create(&settings.folder)?;
        let mut started = Self::start_within(binary, settings, run, &logs, READY_WITHIN).await?;
        started.logs = Some(logs);
        Ok(started)
    }

    /// Like [`Self::start`], with the output in a folder that is watched already.
    pub async fn start_logging(
        binary: &AnvilBinary,
        settings: &AnvilSettings,
        run: &RunId,
        logs: &LogFolder,
    ) -> Result<Self, SetupError> {
        Self::start_within(binary, settings, run, logs, READY_WITHIN).await
    }

    #[tracing::instrument(name = "component", skip_all, fields(name = %format_args!("chain-{}", settings.chain_id)))]
    async fn start_within(
        binary: &AnvilBinary,
        settings: &AnvilSettings,
        run: &RunId,
        logs: &LogFolder,
        within: Duration,
    ) -> Result<Self, SetupError> {
        let chain_id = settings.chain_id;
        let (announce, announced) = oneshot::channel();
        let mut announce = Some(announce);
        let on_line = move |line: Line| {
            if let Some(address) = line.text.strip_prefix("Listening on ") {
                // If the start was given up, nobody receives the address.
                let _ = announce.take().map(|announce| announce.send(address.trim().to_owned()));
            }
        };
        let child = Child::spawn(command(binary, settings), &format!("chain-{chain_id}"), run, logs, on_line)
            .map_err(|error| spawn_failed(binary, chain_id, error))?;
        let began = Instant::now();
        let ready = timeout(within, ready(&child, announced, chain_id)).await;
        let reason = match ready {
            Ok(Ok(client)) => {
                let control = ChainControl::new(client);
                control.mine_instantly().await?;
                let (url, pid) = (control.client().url(), child.pid());
                tracing::info!(url, pid, elapsed = ?began.elapsed(), "chain is ready");
                return Ok(Self { child, control, logs: None });
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("it does not listen after {}", humantime::format_duration(within)),
        };
        let output = child.last_output();
        Err(SetupError::NotReady { program: binary.path.clone(), chain_id, reason, output })
    }

    /// The chain.
    pub fn control(&self) -> &ChainControl {
        &self.control
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Waits for its end; returns how it ended, and the last lines of its output, indented.
    pub fn ended(&self) -> impl Future<Output = (ChildEnd, String)> + Send + 'static {
        self.child.ended()
    }

    /// Ends the process and waits until it is gone. An orderly end would save nothing.
    pub async fn stop(self) {
        self.child.kill().await;
    }

    /// Leaves the process running when this is dropped.
    pub fn keep(&mut self) {
        self.child.keep();
    }
}

/// A connection, as soon as the process listens; else an error text.
async fn ready(child: &Child, announced: oneshot::Receiver<String>, chain_id: u64) -> Result<ChainClient, String> {
    // The sender is dropped with the reader of the output, which ends with the process.
    let Ok(address) = announced.await else { return Err(format!("it ended with {}", child.wait().await)) };
    let client = ChainClient::connect(&format!("http://{address}"), chain_id, POLL_INTERVAL).await;
    client.map_err(|error| with_causes(&error))
}

fn command(binary: &AnvilBinary, settings: &AnvilSettings) -> Command {
    let mut command = Command::new(&binary.path);
    // All blocks are needed while the trial runs, and none afterwards: states stay in the trial's folder.
    let cache = settings.folder.join("anvil");
    command.args(arguments("127.0.0.1", 0, settings.chain_id, &cache, settings.state.as_deref()));
    command
}

/// The arguments of Anvil on every runtime: it listens on this address, writes its files below `cache`, and begins with
/// `state`.
pub fn arguments(host: &str, port: u16, chain_id: u64, cache: &Path, state: Option<&Path>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |option: &str, value: OsString| arguments.extend([option.into(), value]);
    add("--host", host.into());
    add("--port", port.to_string().into());
    add("--chain-id", chain_id.to_string().into());
    add("--cache-path", cache.into());
    // Enough for the set-up, a burst, or a task with the largest payload or result in one block: a stored byte costs
    // about 750.
    add("--gas-limit", "4000000000".into());
    add("--order", "fifo".into());
    add("--accounts", "1".into());
    add("--color", "never".into());
    if let Some(state) = state {
        add("--load-state", state.into());
    }
    // A request with the largest result has twice its size, more than Anvil accepts by default.
    arguments.push("--no-request-size-limit".into());
    arguments
}

fn spawn_failed(binary: &AnvilBinary, chain_id: u64, error: SpawnError) -> SetupError {
    match error {
        SpawnError::Start(source) => SetupError::Spawn { program: binary.path.clone(), chain_id, source },
        SpawnError::Output(source) => SetupError::Output(source),
    }
}

impl AsRef<Path> for AnvilBinary {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use hourglass_reaper::processes_of;

    use super::*;
    use crate::FoundIn;

    /// Neither silence nor a closed output may block a run for ever, and the program must not be left running.
    #[rstest::rstest]
    #[case::silent("echo working; exec sleep 1000", "working")]
    #[case::closed("echo working; exec sleep 1000 >&- 2>&-", "working")]
    #[tokio::test]
    async fn a_program_that_never_listens_is_given_up(#[case] script: &str, #[case] output: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anvil");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let binary = AnvilBinary { path, found_in: FoundIn::Flag };
        let settings = AnvilSettings { chain_id: 1, state: None, folder: folder.path().to_owned() };
        let run = RunId::generate();
        let logs = LogFolder::create(folder.path()).unwrap();
        let limit = Duration::from_secs(1);
        let started = AnvilProcess::start_within(&binary, &settings, &run, &logs, limit).await;
        let error = started.unwrap_err().to_string();
        assert!(error.contains("it does not listen after 1s") && error.contains(output), "{error}");
        let gone = async {
            while !processes_of(&run).unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), gone).await.expect("the program is ended");
    }
}
