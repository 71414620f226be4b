//! The status of a `Performer`, as a pure function of the objects in the cluster.
//!
//! What may live here: phase, conditions, the causes of pods that do not become ready, and which pods have ended. Nothing
//! here talks to a cluster or reads a clock.

mod cause;
mod conditions;
mod container;
mod ended;
mod pods;
#[cfg(test)]
mod tests;

use std::time::Duration;

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use self::{
    cause::Cause,
    conditions::{Progress, UPGRADING},
    pods::Pods,
};
pub use self::{ended::has_ended, pods::is_pod_ready};
use crate::api::{PROGRESSING, Performer, PerformerPhase, PerformerStatus};

/// What a status is computed from.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// The performer, with the status that was written last.
    pub performer: &'a Performer,
    /// Its Deployment as the API server answered when it was applied, or newer: with an older one, pods of an earlier
    /// template would count as current.
    pub deployment: Option<&'a Deployment>,
    /// All pods with its label. Pods that are being deleted are left out.
    pub pods: Vec<&'a Pod>,
    /// Whether its Service has a ready endpoint; true if nobody checks that.
    pub endpoint_ready: bool,
    /// Why the API server refused one of its objects when it was last applied, in its own words.
    pub refused: Option<String>,
    /// The present time.
    pub now: Time,
}

/// The status of what is observed. If the result is written and the status computed again, it stays the same.
pub fn of(observed: &Observed<'_>) -> PerformerStatus {
    let performer = observed.performer;
    let before = performer.status.clone().unwrap_or_default();
    let pods = Pods::of(observed);
    let serving = pods.serving();
    let ready = serving.is_some() && observed.endpoint_ready;
    let settled = ready && serving.is_some_and(|pod| pods.is_current(pod)) && observed.refused.is_none();
    let cause = if settled { None } else { Cause::of(observed, &pods) };
    let phase = if performer.metadata.deletion_timestamp.is_some() {
        PerformerPhase::Terminating
    } else if settled {
        PerformerPhase::Running
    } else if ready {
        PerformerPhase::Upgrading
    } else if cause.as_ref().is_some_and(|cause| cause.lasting) {
        PerformerPhase::Failed
    } else {
        PerformerPhase::Pending
    };
    let pod_name = serving.or_else(|| pods.newest()).map(ResourceExt::name_any);
    let upgraded = settled && was_upgrading(&before, pod_name.as_deref());
    let serving = serving.is_some();
    let progress = Progress { phase, cause: cause.as_ref(), pod_name: pod_name.as_deref(), serving, ready };
    PerformerStatus {
        phase,
        ready,
        service_name: Some(performer.object_name()),
        grpc_endpoint: performer.grpc_endpoint(),
        conditions: conditions::of(observed, &pods, &progress, &before),
        observed_generation: performer.metadata.generation,
        last_upgrade: if upgraded { Some(observed.now.clone()) } else { before.last_upgrade },
        ready_time: ready.then(|| before.ready_time.filter(|_| before.ready).unwrap_or_else(|| observed.now.clone())),
        pod_name,
    }
}

/// When the status of what is observed changes even without an event: when a container has run for a while without
/// answering its probes.
pub fn changes_in(observed: &Observed<'_>) -> Option<Duration> {
    Pods::of(observed).current().filter_map(|pod| container::patience_left(pod, &observed.now)).min()
}

/// Whether the pod that is ready now replaced one of another template. A pod that served all along, because its
/// template came back, did not.
fn was_upgrading(before: &PerformerStatus, pod: Option<&str>) -> bool {
    let progressing = before.conditions.iter().find(|condition| condition.type_ == PROGRESSING);
    let upgrading =
        before.phase == PerformerPhase::Upgrading || progressing.is_some_and(|condition| condition.reason == UPGRADING);
    upgrading && !(before.ready && before.pod_name.as_deref() == pod)
}
