//! How a worker is started.

use std::{fs, path::PathBuf};

use hourglass_load::worker::WorkersConfig;

use crate::WorkerError;

/// How a worker is started.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkerArgs {
    /// The configuration of all workers of the load
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where the node of the chain answers
    #[arg(long, value_name = "URL")]
    pub chain_url: String,
    /// The port on which the worker takes orders
    #[arg(long)]
    pub port: u16,
    /// Which of the workers it is, from 0; an Indexed Job sets it
    #[arg(long, env = "JOB_COMPLETION_INDEX")]
    pub index: u32,
}

impl WorkerArgs {
    pub(crate) fn read(&self) -> Result<WorkersConfig, WorkerError> {
        let path = &self.config;
        let text = fs::read_to_string(path).map_err(|source| WorkerError::Read { path: path.clone(), source })?;
        serde_json::from_str(&text).map_err(|error| self.not_a_config(format!("at line {}", error.line())))
    }

    pub(crate) fn not_a_config(&self, reason: impl Into<String>) -> WorkerError {
        WorkerError::Config { path: self.config.clone(), reason: reason.into() }
    }
}
