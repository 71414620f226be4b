//! `delete_pod`.

use hourglass_scenario::{DeletePod, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for DeletePod {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.delete_pod(&self.component).await?)
    }
}
