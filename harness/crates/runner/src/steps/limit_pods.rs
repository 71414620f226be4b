//! `limit_pods`.

use hourglass_scenario::{LimitPods, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for LimitPods {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.limit_pods(self.pods).await?)
    }
}
