//! `pause` and `resume`.

use hourglass_scenario::{Pause, Resume, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Pause {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.pause(&self.component).await?)
    }
}

impl RunStep for Resume {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.resume(&self.component).await?)
    }
}
