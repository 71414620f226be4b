//! Why a performer is not what its spec says: the cause itself, in the words of the component that found it.

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentCondition},
    core::v1::Pod,
};
use kube::ResourceExt as _;

use super::{
    Observed, container,
    pods::{Pods, condition},
};

/// The greatest length of a message, in characters: some runtimes answer with pages.
const LONGEST_MESSAGE: usize = 1024;

/// The cause that prevents a performer from being what its spec says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// A word for programs, as in conditions.
    pub(super) reason: String,
    /// For people: which object, and what is wrong with it.
    pub(super) message: String,
    /// Whether it lasts until somebody acts.
    pub(super) lasting: bool,
}

impl Cause {
    /// A cause that somebody must act on.
    pub(super) fn lasting(reason: &str, message: &str) -> Self {
        Self { lasting: true, ..Self::passing(reason, message) }
    }

    /// A cause that may pass by itself.
    pub(super) fn passing(reason: &str, message: &str) -> Self {
        let valid = reason.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && reason.chars().all(|letter| letter.is_ascii_alphanumeric());
        let reason = if valid { reason } else { "Unknown" };
        Self { reason: reason.to_owned(), message: message.chars().take(LONGEST_MESSAGE).collect(), lasting: false }
    }

    /// Why what is observed is not as it should be, the newest cause first; nothing while it is on its way.
    pub(super) fn of(observed: &Observed<'_>, pods: &Pods<'_>) -> Option<Self> {
        if let Some(refused) = &observed.refused {
            return Some(Self::lasting("Refused", &format!("the API server refused its objects: {refused}")));
        }
        let deployment = observed.deployment.filter(|deployment| is_up_to_date(deployment));
        let of_pods = || pods.current().find_map(|pod| of_pod(pod, observed));
        deployment.and_then(of_creation).or_else(of_pods).or_else(|| deployment.and_then(of_progress))
    }
}

/// Whether the Deployment's status is about its present spec.
pub(super) fn is_up_to_date(deployment: &Deployment) -> bool {
    let seen = deployment.status.as_ref().and_then(|status| status.observed_generation);
    seen >= deployment.metadata.generation
}

/// The condition of `deployment` with this type.
pub(super) fn condition_of<'a>(deployment: &'a Deployment, type_: &str) -> Option<&'a DeploymentCondition> {
    deployment.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
}

/// Pods that the API server refuses.
fn of_creation(deployment: &Deployment) -> Option<Cause> {
    let failure = condition_of(deployment, "ReplicaFailure").filter(|condition| condition.status == "True")?;
    let message = failure.message.as_deref().unwrap_or_default();
    let reason = if message.contains("exceeded quota") {
        "QuotaExceeded"
    } else if message.contains("violates PodSecurity") {
        "PodSecurityViolation"
    } else {
        failure.reason.as_deref().unwrap_or("FailedCreate")
    };
    Some(Cause::lasting(reason, &format!("no pod can be created: {message}")))
}

/// A roll-out without progress, if no better cause is known.
fn of_progress(deployment: &Deployment) -> Option<Cause> {
    let stuck = condition_of(deployment, "Progressing").filter(|condition| condition.status == "False")?;
    let reason = stuck.reason.as_deref().unwrap_or_default();
    Some(Cause::lasting(reason, stuck.message.as_deref().unwrap_or_default()))
}

fn of_pod(pod: &Pod, observed: &Observed<'_>) -> Option<Cause> {
    let name = pod.name_any();
    let status = pod.status.as_ref()?;
    if status.phase.as_deref() == Some("Failed") {
        // The pod was evicted, refused by its node, or lost with it: another one is created.
        let message = status.message.as_deref().unwrap_or("it has failed");
        let reason = status.reason.as_deref().unwrap_or("PodFailed");
        return Some(Cause::passing(reason, &format!("pod {name}: {message}")));
    }
    if let Some(unscheduled) = condition(pod, "PodScheduled").filter(|condition| condition.status == "False") {
        let message = unscheduled.message.as_deref().unwrap_or("it has no node");
        let reason = unscheduled.reason.as_deref().unwrap_or("Unschedulable");
        return Some(Cause::passing(reason, &format!("pod {name}: {message}")));
    }
    container::cause(pod, observed)
}
