//! `partition` and `heal`.

use hourglass_scenario::{Heal, Partition, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for Partition {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.partition(&self.from, &self.to).await?)
    }
}

impl RunStep for Heal {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.heal(&self.from, &self.to).await?)
    }
}
