//! `kill` and `restart`.

use crate::{
    runner::{failure::StepFailure, world::World},
    scenario::{Kill, Restart},
};

pub(super) async fn kill(world: &World, kill: &Kill) -> Result<(), StepFailure> {
    world.environment.runtime.kill(&kill.component).await?;
    Ok(())
}

pub(super) async fn restart(world: &World, restart: &Restart) -> Result<(), StepFailure> {
    world.environment.runtime.restart(&restart.component, restart.within.into()).await?;
    Ok(())
}
