//! Creates the Docker runtime of a trial.

use std::time::Instant;

use async_trait::async_trait;
use hourglass_engine::Engine;
use hourglass_reaper::Supervisor;
use hourglass_timeline::Event;

use super::{DockerImages, DockerRuntime, DockerSettings};
use crate::{
    Runtime, RuntimeError,
    provider::{PhaseReporter, RuntimeProvider, RuntimeSetup, SupervisedRuntime},
};

/// Creates Docker runtimes.
pub(crate) struct DockerProvider;

struct Supervised {
    settings: DockerSettings,
    supervisor: Supervisor,
}

#[async_trait]
impl RuntimeProvider for DockerProvider {
    async fn supervise(&self, setup: RuntimeSetup<'_>) -> Result<Option<Box<dyn SupervisedRuntime>>, RuntimeError> {
        let started = Instant::now();
        let engine = Engine::connect().await?;
        let preparing = Box::pin(DockerImages::prepare(&engine, &setup.trial.scenario, setup.executable, setup.anvil));
        // Pulls and builds may take long.
        let Some(images) = setup.interrupt.run_until_cancelled(preparing).await.transpose()? else { return Ok(None) };
        let took = started.elapsed();
        (setup.phase)("images", took);
        setup.timeline.record(Event::images_delivered(took));
        let settings = DockerSettings {
            engine,
            images,
            executable: setup.executable.clone(),
            labels: setup.labels(),
            ends: setup.ends(),
            root: setup.root,
            folder: setup.folder,
            timeline: setup.timeline,
        };
        let supervisor = DockerRuntime::supervise(&settings).await?;
        Ok(Some(Box::new(Supervised { settings, supervisor })))
    }
}

#[async_trait]
impl SupervisedRuntime for Supervised {
    async fn start(self: Box<Self>, _phase: &mut PhaseReporter<'_>) -> Result<Box<dyn Runtime>, RuntimeError> {
        Ok(Box::new(DockerRuntime::new(self.settings, self.supervisor).await?))
    }
}
