//! `mine` and `warp`.

use hourglass_scenario::{Mine, Warp};

use crate::{failure::StepFailure, world::World};

pub(super) async fn mine(world: &World, mine: &Mine) -> Result<(), StepFailure> {
    world.environment.chain(mine.chain).mine(mine.blocks.into()).await?;
    Ok(())
}

pub(super) async fn warp(world: &World, warp: &Warp) -> Result<(), StepFailure> {
    world.environment.chain(warp.chain).warp(warp.by.into()).await?;
    Ok(())
}
