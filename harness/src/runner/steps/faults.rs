//! What is done to components: `kill`, `restart`, `pause`, `resume`, `disconnect`, `reconnect`; and to the cluster that
//! they run in.

use crate::{
    runner::{failure::StepFailure, world::World},
    scenario::{ClusterFault, Disconnect, Kill, Pause, Reconnect, Restart, Resume, StepKind},
};

pub(super) async fn kill(world: &World, kill: &Kill) -> Result<(), StepFailure> {
    world.environment.runtime.kill(&kill.component).await?;
    Ok(())
}

pub(super) async fn restart(world: &World, restart: &Restart) -> Result<(), StepFailure> {
    world.environment.runtime.restart(&restart.component, restart.within.into()).await?;
    Ok(())
}

pub(super) async fn pause(world: &World, pause: &Pause) -> Result<(), StepFailure> {
    world.environment.runtime.pause(&pause.component).await?;
    Ok(())
}

pub(super) async fn resume(world: &World, resume: &Resume) -> Result<(), StepFailure> {
    world.environment.runtime.resume(&resume.component).await?;
    Ok(())
}

pub(super) async fn disconnect(world: &World, disconnect: &Disconnect) -> Result<(), StepFailure> {
    world.environment.runtime.disconnect(&disconnect.component).await?;
    Ok(())
}

pub(super) async fn reconnect(world: &World, reconnect: &Reconnect) -> Result<(), StepFailure> {
    world.environment.runtime.reconnect(&reconnect.component, reconnect.within.into()).await?;
    Ok(())
}

/// Does to the cluster what a step says; of one that is about something else there is nothing to do.
pub(super) async fn disturb(world: &World, kind: &StepKind) -> Result<(), StepFailure> {
    match ClusterFault::of(kind) {
        Some(fault) => Ok(world.environment.runtime.disturb(&fault).await?),
        None => Ok(()),
    }
}
