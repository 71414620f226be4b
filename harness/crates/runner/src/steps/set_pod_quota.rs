//! `set_pod_quota`.

use hourglass_scenario::{SetPodQuota, Step};

use super::{RunStep, cluster_faults};
use crate::{failure::StepFailure, world::World};

impl RunStep for SetPodQuota {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        Ok(cluster_faults(world, step)?.set_pod_quota(self.pods).await?)
    }
}
