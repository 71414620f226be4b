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
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, Split},
    process::{Child, ChildStderr, ChildStdout, Command},
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
    /// Starts a chain and waits until it answers with its id and a head; it mines instantly, as
    /// [`ChainControl::mine_instantly`] says.
    pub async fn start(binary: &AnvilBinary, settings: &AnvilSettings, run: &RunId) -> Result<Self, SetupError> {
        Self::start_within(binary, settings, run, READY_WITHIN).await
    }

    async fn start_within(
        binary: &AnvilBinary,
        settings: &AnvilSettings,
        run: &RunId,
        within: Duration,
    ) -> Result<Self, SetupError> {
        let chain_id = settings.chain_id;
        let log = settings.folder.join(format!("chain-{chain_id}.log"));
        tokio::fs::create_dir_all(&settings.folder).await.map_err(SetupError::file(&settings.folder))?;
        let log = File::create(&log).await.map_err(SetupError::file(log))?;
        let mut child = command(binary, settings, run).spawn().map_err(|source| SetupError::Spawn {
            program: binary.path.clone(),
            chain_id,
            source,
        })?;
        let mut output = Output::new(&mut child, log);
        let ready = timeout(within, ready(&mut child, &mut output, chain_id)).await;
        let reason = match ready {
            Ok(Ok(client)) => {
                let control = ChainControl::new(client);
                control.mine_instantly().await?;
                return Ok(Self { child, control, log: tokio::spawn(output.drain()) });
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("it does not listen after {}", humantime::format_duration(within)),
        };
        Err(SetupError::NotReady { program: binary.path.clone(), chain_id, reason, output: output.last() })
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
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(state) = &settings.state {
        command.arg("--load-state").arg(state);
    }
    command
}

/// A connection, as soon as the process listens; else in words what happened instead.
async fn ready(child: &mut Child, output: &mut Output, chain_id: u64) -> Result<ChainClient, String> {
    while let Some(line) = output.next().await {
        if let Some(address) = line.strip_prefix("Listening on ") {
            let url = format!("http://{}", address.trim());
            let client = ChainClient::connect(&url, chain_id, POLL_INTERVAL).await;
            return client.map_err(|error| format!("it did not let us {}", in_full(&error)));
        }
    }
    Err(child.wait().await.map_or_else(|error| error.to_string(), |status| format!("it ended with {status}")))
}

fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What the process writes: kept in its log, and the end of it in memory until it is ready.
struct Output {
    stdout: Option<Split<BufReader<ChildStdout>>>,
    stderr: Option<Split<BufReader<ChildStderr>>>,
    log: File,
    last: VecDeque<String>,
}

impl Output {
    fn new(child: &mut Child, log: File) -> Self {
        let stdout = child.stdout.take().map(|stream| BufReader::new(stream).split(b'\n'));
        let stderr = child.stderr.take().map(|stream| BufReader::new(stream).split(b'\n'));
        Self { stdout, stderr, log, last: VecDeque::new() }
    }

    /// The next line of either stream; nothing once both have ended.
    async fn next(&mut self) -> Option<String> {
        let line = loop {
            tokio::select! {
                line = next(&mut self.stdout), if self.stdout.is_some() => match line {
                    Some(line) => break line,
                    None => self.stdout = None,
                },
                line = next(&mut self.stderr), if self.stderr.is_some() => match line {
                    Some(line) => break line,
                    None => self.stderr = None,
                },
                else => return None,
            }
        };
        // The log is for people; a full disk shows elsewhere.
        let _ = self.log.write_all(format!("{line}\n").as_bytes()).await;
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        Some(line)
    }

    async fn drain(mut self) {
        while self.next().await.is_some() {}
        let _ = self.log.flush().await;
    }

    fn last(&self) -> String {
        if self.last.is_empty() {
            return "  (none)".to_owned();
        }
        self.last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}

/// A line, whatever its bytes; an unreadable stream has ended.
async fn next<R: AsyncRead + Unpin>(stream: &mut Option<Split<BufReader<R>>>) -> Option<String> {
    let line = stream.as_mut()?.next_segment().await.ok()??;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

impl AsRef<Path> for AnvilBinary {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::{chain::FoundIn, reaper::processes_of};

    /// Neither silence nor a closed output may hold up a run for ever, nor leave the program behind.
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
        let limit = Duration::from_millis(300);
        let error = AnvilProcess::start_within(&binary, &settings, &run, limit).await.unwrap_err().to_string();
        assert!(error.contains("it does not listen after 300ms") && error.contains(output), "{error}");
        let gone = async {
            while !processes_of(&run).unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), gone).await.expect("the program is ended");
    }
}
