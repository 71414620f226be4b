//! Errors of commands in a node.

use std::time::Duration;

use crate::EngineError;

/// Why a command in a node failed.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A command in a node failed.
    #[error("failed to run `{command}` in node {node}: it ended with {code}: {said}")]
    Command {
        /// The node.
        node: String,
        /// The command.
        command: String,
        /// Its exit code.
        code: i64,
        /// Its output.
        said: String,
    },
    /// A command in a node does not end.
    #[error("timed out after {} waiting for `{command}` in node {node} to end", humantime::format_duration(*within))]
    Late {
        /// The node.
        node: String,
        /// The command.
        command: String,
        /// How long it was awaited.
        within: Duration,
    },
}
