//! What is done to components: `kill`, `restart`, `pause`, `resume`, `disconnect`, `reconnect`; and to the cluster that
//! they run in.

use hourglass_scenario::StepKind;

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
        StepKind::DeletePod(delete) => runtime.cluster_faults(kind.key())?.delete_pod(&delete.component).await?,
        StepKind::KillClusterOperator(_) => runtime.cluster_faults(kind.key())?.kill_cluster_operator().await?,
        StepKind::ScaleClusterOperator(scale) => {
            let faults = runtime.cluster_faults(kind.key())?;
            faults.scale_cluster_operator(scale.replicas, scale.within.into()).await?;
        }
        StepKind::DrainNode(drain) => {
            runtime.cluster_faults(kind.key())?.drain_node(&drain.component, drain.within.into()).await?;
        }
        StepKind::UncordonNodes(_) => runtime.cluster_faults(kind.key())?.uncordon_nodes().await?,
        StepKind::LimitPods(limit) => runtime.cluster_faults(kind.key())?.limit_pods(limit.pods).await?,
        StepKind::Cut(cut) => runtime.cluster_faults(kind.key())?.cut(&cut.from, &cut.to).await?,
        StepKind::Mend(mend) => runtime.cluster_faults(kind.key())?.mend(&mend.from, &mend.to).await?,
        _ => {}
    }
    Ok(())
}
