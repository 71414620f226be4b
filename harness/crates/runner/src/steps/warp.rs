//! `warp`.

use hourglass_scenario::{Step, Warp};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Warp {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        world.environment.chain(self.chain).warp(self.by.into()).await?;
        Ok(())
    }
}
