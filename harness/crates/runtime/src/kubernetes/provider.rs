//! Creates the Kubernetes runtime of a trial.

use std::time::Instant;

use async_trait::async_trait;
use hourglass_cluster::ClusterSpec;
use hourglass_reaper::Supervisor;

use super::{KubernetesRuntime, KubernetesSettings, validation};
use crate::{
    Invariant, Runtime, RuntimeError,
    provider::{PhaseReporter, RuntimeProvider, RuntimeSetup, SupervisedRuntime},
};

/// Creates Kubernetes runtimes.
pub(crate) struct KubernetesProvider;

struct Supervised {
    settings: KubernetesSettings,
    supervisor: Supervisor,
    since: Instant,
}

#[async_trait]
impl RuntimeProvider for KubernetesProvider {
    async fn supervise(&self, setup: RuntimeSetup<'_>) -> Result<Option<Box<dyn SupervisedRuntime>>, RuntimeError> {
        let started = Instant::now();
        let spec = ClusterSpec::default();
        // A new cluster takes half a minute.
        let acquiring = Box::pin(setup.cluster.acquire(&spec, setup.progress));
        let Some(acquired) = setup.interrupt.run_until_cancelled(acquiring).await else { return Ok(None) };
        let cluster = acquired?;
        (setup.phase)("cluster", started.elapsed());
        let since = Instant::now();
        let settings = KubernetesSettings {
            cluster,
            anvil: setup.anvil.clone(),
            executable: setup.executable.clone(),
            scenario: setup.trial.scenario.clone(),
            exclusive: setup.trial.exclusive_cluster,
            labels: setup.labels(),
            root: setup.root,
            folder: setup.folder,
            timeline: setup.timeline,
        };
        let supervisor = KubernetesRuntime::supervise(&settings).await?;
        Ok(Some(Box::new(Supervised { settings, supervisor, since })))
    }

    fn invariants(&self) -> &'static [Invariant] {
        &validation::INVARIANTS
    }
}

#[async_trait]
impl SupervisedRuntime for Supervised {
    async fn start(self: Box<Self>, phase: &mut PhaseReporter<'_>) -> Result<Box<dyn Runtime>, RuntimeError> {
        let runtime = KubernetesRuntime::new(self.settings, self.supervisor).await?;
        phase("namespace", self.since.elapsed());
        Ok(Box::new(runtime))
    }
}
