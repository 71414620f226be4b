//! Creates runtimes: one provider for each kind, in the kind's folder, and the registry of all of them.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use hourglass_base::RuntimeKind;
use hourglass_chain::AnvilBinary;
use hourglass_cluster::ClusterChoice;
use hourglass_reaper::{Labels, RunId};
use hourglass_scenario::Trial;
use hourglass_timeline::Timeline;
use tokio_util::sync::CancellationToken;

use super::{
    Ends, HarnessExecutable, Invariant, Runtime, RuntimeError, docker::DockerProvider, kubernetes::KubernetesProvider,
    process::ProcessProvider,
};

/// Creates runtimes of one kind.
#[async_trait]
pub trait RuntimeProvider: Send + Sync {
    /// Acquires from the machine what the runtime needs, and starts the supervisor before anything else of the trial
    /// exists, including its folder. `None` if `setup.interrupt` came first.
    async fn supervise(&self, setup: RuntimeSetup<'_>) -> Result<Option<Box<dyn SupervisedRuntime>>, RuntimeError>;

    /// The invariants that [`Runtime::invariant_violations`] checks.
    fn invariants(&self) -> &'static [Invariant] {
        &[]
    }
}

/// A runtime whose supervisor runs, so that the trial's folder may be created.
#[async_trait]
pub trait SupervisedRuntime: Send {
    /// The runtime, with no components yet. The trial's folder exists.
    async fn start(self: Box<Self>, phase: &mut PhaseReporter<'_>) -> Result<Box<dyn Runtime>, RuntimeError>;
}

/// Receives the name of each phase of a start, and how long it took.
pub type PhaseReporter<'a> = dyn FnMut(&'static str, Duration) + Send + 'a;

/// The settings of every runtime.
pub struct RuntimeSetup<'a> {
    /// The trial to run.
    pub trial: &'a Trial,
    /// The Anvil that chains are started from.
    pub anvil: &'a AnvilBinary,
    /// The executable that contains the reference components and the supervisor.
    pub executable: &'a HarnessExecutable,
    /// The cluster of runtimes that have one.
    pub cluster: &'a ClusterChoice,
    /// The folder of all trials.
    pub root: PathBuf,
    /// The folder of this trial, below it; it does not exist yet.
    pub folder: PathBuf,
    /// The label of everything that the trial starts.
    pub run: RunId,
    /// Where the components' records go.
    pub timeline: Timeline,
    /// Receives messages about what takes long.
    pub progress: &'a (dyn Fn(&str) + Sync),
    /// Receives the duration of each phase.
    pub phase: &'a mut PhaseReporter<'a>,
    /// Ends operations that take long.
    pub interrupt: &'a CancellationToken,
}

impl RuntimeSetup<'_> {
    /// The labels of containers and objects.
    pub(crate) fn labels(&self) -> Labels {
        Labels::new(self.run.clone(), &self.trial.name).in_folder(&self.folder)
    }

    /// Where the ends of the trial's components are noted.
    pub(crate) fn ends(&self) -> Ends {
        Ends::new(&self.trial.scenario.invariants.expected_ends, &self.timeline)
    }
}

/// The registry of runtimes.
pub fn provider(kind: RuntimeKind) -> &'static dyn RuntimeProvider {
    match kind {
        RuntimeKind::Process => &ProcessProvider,
        RuntimeKind::Docker => &DockerProvider,
        RuntimeKind::Kubernetes => &KubernetesProvider,
    }
}
