//! `kill_cluster_operator` and `scale_cluster_operator`.

use hourglass_scenario::{KillClusterOperator, ScaleClusterOperator, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for KillClusterOperator {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.kill_cluster_operator().await?)
    }
}

impl RunStep for ScaleClusterOperator {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world
            .environment
            .runtime
            .cluster_faults(step.kind.key())?
            .scale_cluster_operator(self.replicas, self.within.into())
            .await?)
    }
}
