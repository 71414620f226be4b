//! The settings of every trial of a run.

use std::{fmt, sync::Arc, time::Duration};

use hourglass_chain::AnvilBinary;
use hourglass_cluster::ClusterChoice;
use hourglass_runtime::HarnessExecutable;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Line, Timeline};

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
    /// What receives the output of components while trials run.
    pub output: Option<OutputObserver>,
}

/// What receives each line of output with the trial's name and the component. It must not block.
pub type OnOutput = dyn Fn(&str, &ComponentRef, &Line) + Send + Sync;

/// What receives the output of the components of all trials; clones share it.
#[derive(Clone)]
pub struct OutputObserver(pub Arc<OnOutput>);

impl fmt::Debug for OutputObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OutputObserver")
    }
}

impl TrialSettings {
    /// The timeline of a trial.
    pub(super) fn timeline_of(&self, trial: &str) -> Timeline {
        let Some(OutputObserver(on_output)) = self.output.clone() else { return Timeline::default() };
        let trial = trial.to_owned();
        Timeline::observed_by(Box::new(move |component, line| on_output(&trial, component, line)))
    }
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
