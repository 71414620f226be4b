//! The settings of every trial of a run.

use std::time::Duration;

use hourglass_chain::AnvilBinary;
use hourglass_cluster::ClusterChoice;
use hourglass_runtime::HarnessExecutable;

use super::RunFolders;

/// The settings of every trial of a run.
#[derive(Debug, Clone)]
pub struct TrialSettings {
    /// The Anvil that chains are started from.
    pub anvil: AnvilBinary,
    /// The executable that contains the reference components.
    pub executable: HarnessExecutable,
    /// Where trials' folders are created.
    pub folders: RunFolders,
    /// When an environment outlives its trial.
    pub keep: Keep,
    /// The cluster of trials that need one.
    pub cluster: ClusterChoice,
    /// The time limit of each trial, whatever its scenario says.
    pub trial_timeout: Option<Duration>,
}

/// When an environment outlives its trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Keep {
    /// Never.
    #[default]
    Never,
    /// When the trial failed.
    Failed,
    /// Always.
    Always,
}
