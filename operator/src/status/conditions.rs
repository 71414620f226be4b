//! `Available`, `Progressing` and `Degraded`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    Observed,
    cause::{Cause, condition_of, is_up_to_date},
    pods::Pods,
};
use crate::api::{AVAILABLE, DEGRADED, PROGRESSING, PerformerPhase, PerformerStatus};

/// The reason of `Progressing` while a pod of another template replaces the present one.
pub(super) const UPGRADING: &str = "Upgrading";

/// The facts that conditions are made of.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    pub(super) phase: PerformerPhase,
    pub(super) cause: Option<&'a Cause>,
    pub(super) pod_name: Option<&'a str>,
    /// Whether that pod is ready, by itself.
    pub(super) serving: bool,
    /// Whether tasks reach it too.
    pub(super) ready: bool,
}

/// The three conditions, each with the time of its last change of status.
pub(super) fn of(
    observed: &Observed<'_>,
    pods: &Pods<'_>,
    progress: &Progress<'_>,
    before: &PerformerStatus,
) -> Vec<Condition> {
    let conditions = [
        (AVAILABLE, available(progress)),
        (PROGRESSING, progressing(observed, pods, progress, before)),
        (DEGRADED, degraded(progress)),
    ];
    let condition = |(type_, (status, reason, message)): (&str, Said)| {
        let status = if status { "True" } else { "False" };
        let earlier = before.conditions.iter().find(|earlier| earlier.type_ == type_ && earlier.status == status);
        Condition {
            last_transition_time: earlier.map_or(&observed.now, |earlier| &earlier.last_transition_time).clone(),
            message,
            observed_generation: observed.performer.metadata.generation,
            reason,
            status: status.to_owned(),
            type_: type_.to_owned(),
        }
    };
    conditions.into_iter().map(condition).collect()
}

/// Status, reason and message of a condition.
type Said = (bool, String, String);

fn said(status: bool, reason: &str, message: impl Into<String>) -> Said {
    (status, reason.to_owned(), message.into())
}

fn available(progress: &Progress<'_>) -> Said {
    let pod = progress.pod_name.unwrap_or("none");
    match progress.cause {
        _ if progress.ready => said(true, "PodReady", format!("pod {pod} serves")),
        Some(cause) => said(false, &cause.reason, cause.message.clone()),
        None if progress.serving => said(false, "NoEndpoint", format!("pod {pod} is no endpoint of the Service yet")),
        None if progress.pod_name.is_none() => said(false, "NoPod", "it has no pod yet"),
        None => said(false, "PodNotReady", format!("pod {pod} is not ready yet")),
    }
}

fn degraded(progress: &Progress<'_>) -> Said {
    match progress.cause {
        Some(cause) => said(true, &cause.reason, cause.message.clone()),
        None => said(false, "AsExpected", "nothing keeps it from what its spec says"),
    }
}

fn progressing(observed: &Observed<'_>, pods: &Pods<'_>, progress: &Progress<'_>, before: &PerformerStatus) -> Said {
    if progress.phase == PerformerPhase::Terminating {
        return said(true, "Terminating", "it drains and is removed");
    }
    if progress.phase == PerformerPhase::Running {
        return said(false, "UpToDate", "a pod of what its spec says is ready");
    }
    if let Some(cause) = progress.cause.filter(|cause| cause.lasting) {
        return said(false, &cause.reason, cause.message.clone());
    }
    let rolled_out = observed.deployment.is_some_and(|deployment| {
        let progressing = condition_of(deployment, "Progressing").and_then(|condition| condition.reason.as_deref());
        is_up_to_date(deployment) && progressing == Some("NewReplicaSetAvailable")
    });
    let was = before.conditions.iter().find(|condition| condition.type_ == PROGRESSING);
    if pods.any_outdated() || was.is_some_and(|condition| condition.reason == UPGRADING) {
        said(true, UPGRADING, "a pod of what its spec says takes the place of the one before")
    } else if rolled_out {
        said(true, "Recovering", "its pod is put up again")
    } else {
        said(true, "Deploying", "its first pod is put up")
    }
}
