//! `drain_node` and `uncordon_nodes`.

use hourglass_scenario::{DrainNode, Step, UncordonNodes};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for DrainNode {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.drain_node(&self.component, self.within.into()).await?)
    }
}

impl RunStep for UncordonNodes {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.uncordon_nodes().await?)
    }
}
