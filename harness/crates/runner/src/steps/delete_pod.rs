//! `delete_pod`.

use hourglass_scenario::{DeletePod, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for DeletePod {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.delete_pod(&self.component).await?)
    }
}
