//! `mine`.

use hourglass_scenario::{Mine, Step};

use super::RunStep;
use crate::{failure::StepFailure, world::World};

impl RunStep for Mine {
    async fn run(&self, world: &World, _step: &Step) -> Result<(), StepFailure> {
        world.environment.chain(self.chain).mine(self.blocks.into()).await?;
        Ok(())
    }
}
