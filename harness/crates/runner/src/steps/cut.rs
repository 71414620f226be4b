//! `cut` and `mend`.

use hourglass_scenario::{Cut, Mend, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Cut {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.cut(&self.from, &self.to).await?)
    }
}

impl RunStep for Mend {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.mend(&self.from, &self.to).await?)
    }
}
