//! Why a performer's container does not serve.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt as _;

use super::{Observed, cause::Cause, pods::condition};
use crate::{age::age, api::CONTAINER};

/// How long a container may run without answering its probes before that counts as a cause: most need less to start.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reasons of a waiting container that pass by themselves.
const ON_ITS_WAY: [&str; 2] = ["ContainerCreating", "PodInitializing"];
/// Reasons of a waiting container that concern the image.
const IMAGE: [&str; 7] = [
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// Why the container of `pod` does not serve; nothing while it starts.
pub(super) fn cause(pod: &Pod, observed: &Observed<'_>) -> Option<Cause> {
    let status = status(pod)?;
    let state = status.state.clone().unwrap_or_default();
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    if let Some(waiting) = state.waiting {
        let reason = waiting.reason.filter(|reason| !ON_ITS_WAY.contains(&reason.as_str()))?;
        let message = waiting.message.unwrap_or_default();
        return Some(of_waiting(pod, status, &reason, &message, last));
    }
    if let Some(terminated) = &state.terminated {
        return Some(of_exit(pod, status, terminated));
    }
    let since = &state.running?.started_at?;
    if condition(pod, "Ready").is_some_and(|condition| condition.status == "False") && status.ready {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("its node");
        return Some(Cause::passing("NodeNotReady", &format!("pod {}: {node} does not report", pod.name_any())));
    }
    if !status.ready && (age(since.0, observed.now.0) >= PATIENCE || was_ready(pod, since)) {
        let port = observed.performer.grpc_port();
        let message = format!("{} runs, and does not answer gRPC health checks on port {port} as serving", of(pod));
        return Some(Cause::passing("NotServing", &with_exit(&message, last)));
    }
    // After a restart, the cause remains until the container serves.
    last.filter(|_| !status.ready).map(|terminated| of_exit(pod, status, terminated))
}

/// How long the container of `pod` has left to answer its probes; nothing where it has answered or does not run.
pub(super) fn patience_left(pod: &Pod, now: &Time) -> Option<Duration> {
    let status = status(pod).filter(|status| !status.ready)?;
    let since = status.state.as_ref()?.running.as_ref()?.started_at.as_ref()?;
    PATIENCE.checked_sub(age(since.0, now.0)).filter(|left| !left.is_zero())
}

fn status(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| status.name == CONTAINER)
}

fn of(pod: &Pod) -> String {
    format!("container {CONTAINER} of pod {}", pod.name_any())
}

fn of_waiting(
    pod: &Pod,
    status: &ContainerStatus,
    reason: &str,
    message: &str,
    last: Option<&ContainerStateTerminated>,
) -> Cause {
    let message = if IMAGE.contains(&reason) {
        format!("image {} of pod {}: {message}", status.image, pod.name_any())
    } else if reason == "CrashLoopBackOff" {
        with_exit(&format!("{} ends again and again, {} restarts", of(pod), status.restart_count), last)
    } else {
        with_exit(&format!("{}: {message}", of(pod)), last)
    };
    Cause::lasting(reason, &message)
}

fn of_exit(pod: &Pod, status: &ContainerStatus, terminated: &ContainerStateTerminated) -> Cause {
    let reason = match terminated.reason.as_deref() {
        Some("Completed" | "Error") | None => "ContainerExited",
        Some(reason) => reason,
    };
    let message = format!("{} is started once more, {} restarts", of(pod), status.restart_count);
    Cause::passing(reason, &with_exit(&message, Some(terminated)))
}

/// `message`, and how the container last ended.
fn with_exit(message: &str, last: Option<&ContainerStateTerminated>) -> String {
    let Some(last) = last else { return message.to_owned() };
    let reason = last.reason.as_deref().unwrap_or("no reason");
    let said = last.message.as_deref().map(|said| format!(": {}", said.trim())).unwrap_or_default();
    format!("{message}; it ended with exit code {} ({reason}){said}", last.exit_code)
}

/// Whether `pod` was ready since its container started: a start alone does not change the condition.
fn was_ready(pod: &Pod, started: &Time) -> bool {
    let ready = condition(pod, "Ready").filter(|condition| condition.status == "False");
    ready.and_then(|condition| condition.last_transition_time.as_ref()).is_some_and(|changed| changed > started)
}
