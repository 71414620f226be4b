//! One Anvil process on a port that the system chooses.

use std::{path::PathBuf, process::Stdio, sync::Mutex, sync::PoisonError, time::Duration};

use hourglass_component::chain::ChainClient;
use tokio::{process::Command, sync::oneshot, time::timeout};

use super::{AnvilBinary, ChainControl, SetupError};
use crate::{
    child::{Child, SpawnError},
    reaper::RunId,
    timeline::LogFolder,
};

const READY_WITHIN: Duration = Duration::from_secs(30);
/// A node without subscriptions would be asked this often; Anvil has them.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How a chain is started.
#[derive(Debug, Clone)]
pub struct AnvilSettings {
    /// The chain's id.
    pub chain_id: u64,
    /// A state to begin with, as `--load-state` takes it.
    pub state: Option<PathBuf>,
    /// A folder for what Anvil would else leave in the home folder.
    pub folder: PathBuf,
}

/// A running chain; dropping it kills the process, unless it was kept.
#[derive(Debug)]
pub struct AnvilProcess {
    child: Child,
    control: ChainControl,
}

impl AnvilProcess {
    /// Starts a chain and waits until it answers with its id and a head; its output goes to `chain-ID.log` of `logs`.
    pub async fn start(
        binary: &AnvilBinary,
        settings: &AnvilSettings,
        run: &RunId,
        logs: &LogFolder,
    ) -> Result<Self, SetupError> {
        let chain_id = settings.chain_id;
        let (announce, announced) = oneshot::channel();
        let announce = Mutex::new(Some(announce));
        let on_line = move |line: String| {
            if let Some(address) = line.strip_prefix("Listening on ") {
                let sender = announce.lock().unwrap_or_else(PoisonError::into_inner).take();
                // Nobody listens any more when the start was given up.
                let _ = sender.map(|sender| sender.send(address.trim().to_owned()));
            }
        };
        let child = Child::spawn(command(binary, settings), &format!("chain-{chain_id}"), run, logs, on_line)
            .map_err(|error| spawn_failed(binary, chain_id, error))?;
        let not_ready = |reason: String| SetupError::NotReady { chain_id, reason, output: child.last_output() };
        // The sender goes with the reader of the output, which ends with the process.
        let address = match timeout(READY_WITHIN, announced).await {
            Ok(Ok(address)) => address,
            Ok(Err(_)) => return Err(not_ready(format!("it ended with {}", child.wait().await))),
            Err(_) => {
                return Err(not_ready(format!(
                    "it does not listen after {}",
                    humantime::format_duration(READY_WITHIN)
                )));
            }
        };
        let client = ChainClient::connect(&format!("http://{address}"), chain_id, POLL_INTERVAL).await?;
        Ok(Self { child, control: ChainControl::new(client) })
    }

    /// The chain.
    pub fn control(&self) -> &ChainControl {
        &self.control
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Ends the process and waits until it is gone. It holds nothing that an orderly end would save.
    pub async fn stop(self) {
        self.child.kill().await;
    }

    /// Leaves the process running when this is dropped.
    pub fn keep(&mut self) {
        self.child.keep();
    }
}

fn command(binary: &AnvilBinary, settings: &AnvilSettings) -> Command {
    let mut command = Command::new(&binary.path);
    command
        .args(["--host", "127.0.0.1", "--port", "0", "--chain-id", &settings.chain_id.to_string()])
        // Every block is needed while the trial runs, none afterwards: states stay in the trial's folder.
        .arg("--cache-path")
        .arg(settings.folder.join("anvil"))
        .args(["--order", "fifo", "--accounts", "1", "--color", "never"])
        .stdin(Stdio::null());
    if let Some(state) = &settings.state {
        command.arg("--load-state").arg(state);
    }
    command
}

fn spawn_failed(binary: &AnvilBinary, chain_id: u64, error: SpawnError) -> SetupError {
    match error {
        SpawnError::Start(source) => SetupError::Spawn { program: binary.path.clone(), chain_id, source },
        SpawnError::Output(source) => SetupError::Output(source),
    }
}
