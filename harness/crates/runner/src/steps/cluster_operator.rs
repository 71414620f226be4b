//! `kill_cluster_operator` and `scale_cluster_operator`.

use hourglass_scenario::{KillClusterOperator, ScaleClusterOperator, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for KillClusterOperator {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.kill_cluster_operator().await?)
    }
}

impl RunStep for ScaleClusterOperator {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.scale_cluster_operator(self.replicas, self.within.into()).await?)
    }
}
