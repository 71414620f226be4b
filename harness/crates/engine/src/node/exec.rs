//! Commands inside a node.

use std::time::Duration;

use bollard::{
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::ExecConfig,
};
use futures::TryStreamExt as _;
use tokio::time::timeout;

use super::{Node, NodeError};
use crate::{Engine, EngineContext as _, EngineError};

/// The result of a command in a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its exit code.
    pub code: i64,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl CommandOutput {
    /// Its standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its standard error as text, else its standard output, without surrounding white space.
    pub fn complaint(&self) -> String {
        let said = if self.stderr.is_empty() { &self.stdout } else { &self.stderr };
        String::from_utf8_lossy(said).trim().to_owned()
    }
}

impl Node {
    /// Runs a command as root and waits for its end. An exit code other than zero is no error here; a command that takes
    /// longer than the limit goes on in the node.
    pub async fn execute(
        &self,
        engine: &Engine,
        command: &[&str],
        limit: Duration,
    ) -> Result<CommandOutput, NodeError> {
        let run = self.run(engine, command);
        timeout(limit, run).await.map_err(|_| NodeError::Late {
            node: self.name.clone(),
            command: command.join(" "),
            within: limit,
        })?
    }

    /// Does the same as [`Self::execute`], with any exit code but zero an error; returns the command's output.
    pub async fn command(&self, engine: &Engine, command: &[&str], limit: Duration) -> Result<String, NodeError> {
        let executed = self.execute(engine, command, limit).await?;
        if executed.code == 0 {
            return Ok(executed.text());
        }
        Err(NodeError::Command {
            node: self.name.clone(),
            command: command.join(" "),
            code: executed.code,
            said: executed.complaint(),
        })
    }

    async fn run(&self, engine: &Engine, command: &[&str]) -> Result<CommandOutput, NodeError> {
        let doing = || format!("run {:?} in node {}", command.first().unwrap_or(&""), self.name);
        let config = ExecConfig {
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let docker = engine.docker();
        let id = docker.create_exec(&self.container, config).await.context(doing)?.id;
        let mut executed = CommandOutput::default();
        match docker.start_exec(&id, None::<StartExecOptions>).await.context(doing)? {
            StartExecResults::Attached { mut output, .. } => {
                while let Some(piece) = output.try_next().await.context(doing)? {
                    match piece {
                        LogOutput::StdErr { message } => executed.stderr.extend_from_slice(&message),
                        LogOutput::StdOut { message } | LogOutput::Console { message } => {
                            executed.stdout.extend_from_slice(&message);
                        }
                        LogOutput::StdIn { .. } => {}
                    }
                }
            }
            StartExecResults::Detached => {}
        }
        let ended: Result<_, EngineError> = docker.inspect_exec(&id).await.context(doing);
        // If the engine does not report how the command ended, the command counts as failed.
        executed.code = ended?.exit_code.unwrap_or(-1);
        Ok(executed)
    }
}
