//! One Anvil process on a port that the system chooses.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use hourglass_component::chain::ChainClient;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{AnvilBinary, ChainControl, SetupError};
use crate::reaper::RunId;

const READY_WITHIN: Duration = Duration::from_secs(30);
/// A node without subscriptions would be asked this often; Anvil has them.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const LAST_LINES: usize = 12;

/// How a chain is started.
#[derive(Debug, Clone)]
pub struct AnvilSettings {
    /// The chain's id.
    pub chain_id: u64,
    /// A state to begin with, as `--load-state` takes it.
    pub state: Option<PathBuf>,
    /// A folder for the chain's output and for what Anvil would else leave in the home folder.
    pub folder: PathBuf,
}

/// A running chain; dropping it kills the process.
#[derive(Debug)]
pub struct AnvilProcess {
    child: Child,
    control: ChainControl,
    log: JoinHandle<()>,
}

impl AnvilProcess {
    /// Starts a chain and waits until it answers with its id and a head.
    pub async fn start(binary: &AnvilBinary, settings: &AnvilSettings, run: &RunId) -> Result<Self, SetupError> {
        let chain_id = settings.chain_id;
        let log = settings.folder.join(format!("chain-{chain_id}.log"));
        tokio::fs::create_dir_all(&settings.folder).await.map_err(SetupError::file(&settings.folder))?;
        let mut log = File::create(&log).await.map_err(SetupError::file(log))?;
        let mut child = command(binary, settings, run)
            .spawn()
            .map_err(|source| SetupError::Spawn { program: binary.path.clone(), chain_id, source })?;
        let Some(stdout) = child.stdout.take() else {
            return Err(not_ready(chain_id, "it has no output", &VecDeque::new()));
        };
        let mut lines = BufReader::new(stdout).lines();
        let mut last = VecDeque::new();
        let listening = timeout(READY_WITHIN, listening(&mut lines, &mut last, &mut log)).await;
        let address = match listening {
            Ok(Some(address)) => address,
            Ok(None) => {
                let ended = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(not_ready(chain_id, &format!("it ended with {ended}"), &last));
            }
            Err(_) => return Err(not_ready(chain_id, "it does not listen after 30 s", &last)),
        };
        let log = tokio::spawn(drain(lines, log));
        let client = ChainClient::connect(&format!("http://{address}"), chain_id, POLL_INTERVAL).await?;
        Ok(Self { child, control: ChainControl::new(client), log })
    }

    /// The chain.
    pub fn control(&self) -> &ChainControl {
        &self.control
    }

    /// Ends the process and waits until it is gone.
    pub async fn stop(mut self) {
        // It may have ended already; `wait` reaps it either way.
        let _ = self.child.kill().await;
        let _ = self.log.await;
    }
}

fn command(binary: &AnvilBinary, settings: &AnvilSettings, run: &RunId) -> Command {
    let (name, value) = run.label();
    let mut command = Command::new(&binary.path);
    command
        .args(["--host", "127.0.0.1", "--port", "0", "--chain-id", &settings.chain_id.to_string()])
        // Every block is needed while the trial runs, none afterwards: states stay in the trial's folder.
        .arg("--cache-path")
        .arg(settings.folder.join("anvil"))
        .args(["--order", "fifo", "--accounts", "1", "--color", "never"])
        .env(name, value)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(state) = &settings.state {
        command.arg("--load-state").arg(state);
    }
    command
}

async fn listening(lines: &mut Lines<BufReader<ChildStdout>>, last: &mut VecDeque<String>, log: &mut File) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        // The log is for people; a full disk shows elsewhere.
        let _ = log.write_all(format!("{line}\n").as_bytes()).await;
        if let Some(address) = line.strip_prefix("Listening on ") {
            return Some(address.trim().to_owned());
        }
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    None
}

async fn drain(mut lines: Lines<BufReader<ChildStdout>>, mut log: File) {
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = log.write_all(format!("{line}\n").as_bytes()).await;
    }
    let _ = log.flush().await;
}

fn not_ready(chain_id: u64, reason: &str, last: &VecDeque<String>) -> SetupError {
    let output = last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
    SetupError::NotReady { chain_id, reason: reason.to_owned(), output }
}

impl AsRef<Path> for AnvilBinary {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
