//! `drain_node` and `uncordon_nodes`.

use hourglass_scenario::{DrainNode, Step, UncordonNodes};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for DrainNode {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world
            .environment
            .runtime
            .cluster_faults(step.kind.key())?
            .drain_node(&self.component, self.within.into())
            .await?)
    }
}

impl RunStep for UncordonNodes {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.uncordon_nodes().await?)
    }
}
