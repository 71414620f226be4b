//! `disconnect` and `reconnect`.

use hourglass_scenario::{Disconnect, Reconnect, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Disconnect {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.disconnect(&self.component).await?)
    }
}

impl RunStep for Reconnect {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        Ok(world.environment.runtime.reconnect(&self.component, self.within.into()).await?)
    }
}
