//! Creates the process runtime of a trial.

use async_trait::async_trait;
use hourglass_reaper::Supervisor;

use super::{
    ProcessRuntime, ProcessSettings,
    fixed_ports::{self, FixedPort},
};
use crate::{
    Runtime, RuntimeError,
    provider::{PhaseReporter, RuntimeProvider, RuntimeSetup, SupervisedRuntime},
};

/// Creates process runtimes.
pub(crate) struct ProcessProvider;

struct Supervised {
    settings: ProcessSettings,
    supervisor: Supervisor,
    fixed_ports: Vec<FixedPort>,
}

#[async_trait]
impl RuntimeProvider for ProcessProvider {
    async fn supervise(&self, setup: RuntimeSetup<'_>) -> Result<Option<Box<dyn SupervisedRuntime>>, RuntimeError> {
        let acquiring = fixed_ports::acquire(&setup.trial.scenario, setup.progress);
        let Some(fixed_ports) = setup.interrupt.run_until_cancelled(acquiring).await.transpose()? else {
            return Ok(None);
        };
        let settings = ProcessSettings {
            anvil: setup.anvil.clone(),
            executable: setup.executable.clone(),
            ends: setup.ends(),
            working_directory: setup.trial.working_directory().map(Into::into),
            root: setup.root,
            folder: setup.folder,
            run: setup.run,
            timeline: setup.timeline,
        };
        let supervisor = ProcessRuntime::supervise(&settings).await?;
        Ok(Some(Box::new(Supervised { settings, supervisor, fixed_ports })))
    }
}

#[async_trait]
impl SupervisedRuntime for Supervised {
    async fn start(self: Box<Self>, _phase: &mut PhaseReporter<'_>) -> Result<Box<dyn Runtime>, RuntimeError> {
        Ok(Box::new(ProcessRuntime::new(self.settings, self.supervisor)?.holding(self.fixed_ports)))
    }
}
