//! `limit_pods`.

use hourglass_scenario::{LimitPods, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for LimitPods {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.cluster_faults(step.kind.key())?.limit_pods(self.pods).await?)
    }
}
