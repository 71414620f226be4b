//! What is broken, from the status of the objects.

use hourglass_operator::status::is_pod_ready;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Node, PersistentVolumeClaim, Pod};
use kube::ResourceExt as _;

/// What is wrong with a node; `None` for a node that is ready.
pub(super) fn of_node(node: &Node) -> Option<String> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready");
    let why = match ready {
        Some(ready) if ready.status == "True" => return None,
        Some(ready) => reason(ready.reason.as_deref(), ready.message.as_deref()),
        None => "its kubelet has not said anything yet".to_owned(),
    };
    Some(format!("node {}: not ready: {why}", node.name_any()))
}

/// What a claim waits for; `None` for a claim that has its volume.
pub(super) fn of_claim(claim: &PersistentVolumeClaim) -> Option<String> {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    (phase != "Bound").then(|| format!("claim {}: {phase}", namespaced_name(claim.namespace(), &claim.name_any())))
}

/// Why a pod is not ready, in one line for the pod and one for each container concerned; `None` for a pod that is ready
/// or has completed.
pub fn of_pod(pod: &Pod) -> Option<String> {
    let status = pod.status.clone().unwrap_or_default();
    let phase = status.phase.as_deref().unwrap_or("Pending");
    let conditions = status.conditions.unwrap_or_default();
    if phase == "Succeeded" || is_pod_ready(pod) {
        return None;
    }
    let name = namespaced_name(pod.namespace(), &pod.name_any());
    let mut text = format!("pod {name}: not ready, {phase}");
    if pod.metadata.deletion_timestamp.is_some() {
        text.push_str(", being deleted");
    }
    if status.reason.is_some() || status.message.is_some() {
        text = format!("{text}: {}", reason(status.reason.as_deref(), status.message.as_deref()));
    }
    let unscheduled = conditions.iter().find(|it| it.type_ == "PodScheduled" && it.status != "True");
    if let Some(unscheduled) = unscheduled {
        let why = reason(unscheduled.reason.as_deref(), unscheduled.message.as_deref());
        text = format!("{text}\n  no node takes it: {why}");
    }
    let init = status.init_container_statuses.unwrap_or_default();
    let containers = init.iter().chain(status.container_statuses.iter().flatten());
    for container in containers.filter_map(of_container) {
        text = format!("{text}\n  {container}");
    }
    Some(text)
}

fn of_container(status: &ContainerStatus) -> Option<String> {
    let now = status.state.as_ref().map(state).unwrap_or_default();
    let done = status.state.as_ref().and_then(|state| state.terminated.as_ref()).is_some_and(|end| end.exit_code == 0);
    if status.ready || (done && status.restart_count == 0) {
        return None;
    }
    let mut text = format!("container {}: {now}", status.name);
    match status.restart_count {
        0 => {}
        1 => text.push_str("; restarted once"),
        count => text = format!("{text}; restarted {count} times"),
    }
    if let Some(last) = status.last_state.as_ref().filter(|last| last.terminated.is_some()) {
        text = format!("{text}; before that {}", state(last));
    }
    Some(text)
}

fn state(state: &ContainerState) -> String {
    if let Some(waiting) = &state.waiting {
        return format!("waiting, {}", reason(waiting.reason.as_deref(), waiting.message.as_deref()));
    }
    if let Some(end) = &state.terminated {
        let signal = end.signal.map(|signal| format!(", signal {signal}")).unwrap_or_default();
        let why = reason(end.reason.as_deref(), end.message.as_deref());
        return format!("ended with exit code {}{signal} ({why})", end.exit_code);
    }
    if state.running.is_some() { "running, but not ready".to_owned() } else { "not begun".to_owned() }
}

fn reason(reason: Option<&str>, message: Option<&str>) -> String {
    match (reason, message.map(str::trim).filter(|message| !message.is_empty())) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => "it does not say why".to_owned(),
    }
}

/// A name with its namespace.
pub(super) fn namespaced_name(namespace: Option<String>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: &Value) -> Option<String> {
        let pod = json!({ "metadata": { "name": "p", "namespace": "n" }, "status": status });
        of_pod(&serde_json::from_value(pod).unwrap())
    }

    fn container(state: &Value, last: &Value, restarts: i32) -> Value {
        json!({
            "name": "main", "image": "i", "imageID": "", "ready": false,
            "restartCount": restarts, "state": state, "lastState": last,
        })
    }

    #[test]
    fn a_crashing_container_is_reported_with_its_end() {
        let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } });
        let ended = json!({ "terminated": { "exitCode": 3, "reason": "Error" } });
        let status = json!({ "phase": "Running", "containerStatuses": [container(&waiting, &ended, 2)] });
        insta::assert_snapshot!(pod(&status).unwrap(), @r"
        pod n/p: not ready, Running
          container main: waiting, CrashLoopBackOff: back-off 10s; restarted 2 times; before that ended with exit code 3 (Error)
        ");
    }

    #[test]
    fn an_unscheduled_pod_is_reported_with_its_reason() {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available",
        });
        insta::assert_snapshot!(pod(&json!({ "phase": "Pending", "conditions": [condition] })).unwrap(), @r"
        pod n/p: not ready, Pending
          no node takes it: Unschedulable: 0/1 nodes are available
        ");
    }

    #[test]
    fn healthy_objects_are_not_reported() {
        let ready = json!({ "type": "Ready", "status": "True" });
        assert_eq!(pod(&json!({ "phase": "Running", "conditions": [ready] })), None);
        assert_eq!(pod(&json!({ "phase": "Succeeded" })), None);
    }
}
