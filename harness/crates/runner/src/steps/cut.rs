//! `cut` and `mend`.

use hourglass_scenario::{Cut, Mend, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for Cut {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.cut(&self.from, &self.to).await?)
    }
}

impl RunStep for Mend {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.mend(&self.from, &self.to).await?)
    }
}
