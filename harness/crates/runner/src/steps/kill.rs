//! `kill` and `restart`.

use hourglass_scenario::{Kill, Restart, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Kill {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.kill(&self.component).await?)
    }
}

impl RunStep for Restart {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.restart(&self.component, self.within.into()).await?)
    }
}
