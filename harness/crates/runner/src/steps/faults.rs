//! What is done to components: `kill`, `restart`, `pause`, `resume`, `disconnect`, `reconnect`; and to the cluster that
//! they run in.

use hourglass_scenario::{ClusterFault, StepKind};

use crate::{failure::StepFailure, world::World};

/// Does what a step says; of one that is about something else there is nothing to do.
pub(super) async fn run(world: &World, kind: &StepKind) -> Result<(), StepFailure> {
    let runtime = &world.environment.runtime;
    match kind {
        StepKind::Kill(kill) => runtime.kill(&kill.component).await?,
        StepKind::Restart(restart) => runtime.restart(&restart.component, restart.within.into()).await?,
        StepKind::Pause(pause) => runtime.pause(&pause.component).await?,
        StepKind::Resume(resume) => runtime.resume(&resume.component).await?,
        StepKind::Disconnect(disconnect) => runtime.disconnect(&disconnect.component).await?,
        StepKind::Reconnect(reconnect) => runtime.reconnect(&reconnect.component, reconnect.within.into()).await?,
        other => {
            if let Some(fault) = ClusterFault::of(other) {
                runtime.inject_cluster_fault(&fault).await?;
            }
        }
    }
    Ok(())
}
