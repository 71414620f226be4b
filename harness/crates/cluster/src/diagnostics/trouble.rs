//! What is broken, from the status of the objects.

use hourglass_operator::status::is_pod_ready;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ContainerState, ContainerStatus, Node, PersistentVolumeClaim, Pod, ResourceQuota},
    networking::v1::NetworkPolicy,
};
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

/// What is wrong with a Deployment: it has no pods on purpose, or not all of them are ready.
pub(super) fn of_deployment(deployment: &Deployment) -> Option<String> {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
    let name = namespaced_name(deployment.namespace(), &deployment.name_any());
    match (wanted, ready) {
        (0, _) => Some(format!("deployment {name}: scaled to 0 replicas, so that none of its pods runs")),
        (wanted, ready) if ready < wanted => Some(format!("deployment {name}: {ready} of {wanted} pods are ready")),
        _ => None,
    }
}

/// The resources of a quota that are used up.
pub(super) fn of_quota(quota: &ResourceQuota) -> Option<String> {
    let status = quota.status.as_ref()?;
    let (hard, used) = (status.hard.as_ref()?, status.used.as_ref()?);
    // Quantities of pods and other objects are whole numbers.
    let number = |text: &str| text.parse::<u64>().ok();
    let exhausted = hard.iter().filter_map(|(resource, limit)| {
        let used = used.get(resource)?;
        let is_reached = used == limit || number(&used.0)? >= number(&limit.0)?;
        is_reached.then(|| format!("{resource} {} of {}", used.0, limit.0))
    });
    let exhausted: Vec<_> = exhausted.collect();
    let name = namespaced_name(quota.namespace(), &quota.name_any());
    (!exhausted.is_empty()).then(|| format!("quota {name}: used up: {}", exhausted.join(", ")))
}

/// What a network policy restricts: it is no defect, but the usual reason why pods do not reach each other.
pub(super) fn of_policy(policy: &NetworkPolicy) -> String {
    let types = policy.spec.as_ref().and_then(|spec| spec.policy_types.clone()).unwrap_or_default();
    let name = namespaced_name(policy.namespace(), &policy.name_any());
    format!("network policy {name}: restricts {} of the pods that it selects", types.join(" and ").to_lowercase())
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
    fn what_keeps_pods_from_being_made_or_reached_is_reported() {
        let metadata = json!({ "name": "x", "namespace": "n" });
        let deployment = |spec: i32, ready: i32| {
            let spec = json!({ "replicas": spec, "selector": {}, "template": {} });
            let object = json!({ "metadata": metadata, "spec": spec, "status": { "readyReplicas": ready } });
            of_deployment(&serde_json::from_value(object).unwrap())
        };
        assert_eq!(deployment(0, 0).unwrap(), "deployment n/x: scaled to 0 replicas, so that none of its pods runs");
        assert_eq!(deployment(2, 1).unwrap(), "deployment n/x: 1 of 2 pods are ready");
        assert_eq!(deployment(1, 1), None);
        let quota = |used: &str| {
            let status = json!({ "hard": { "pods": "2" }, "used": { "pods": used } });
            of_quota(&serde_json::from_value(json!({ "metadata": metadata, "status": status })).unwrap())
        };
        assert_eq!(quota("3").unwrap(), "quota n/x: used up: pods 3 of 2");
        assert_eq!(quota("1"), None);
        let policy =
            json!({ "metadata": metadata, "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] } });
        let text = of_policy(&serde_json::from_value(policy).unwrap());
        assert_eq!(text, "network policy n/x: restricts ingress and egress of the pods that it selects");
    }

    #[test]
    fn healthy_objects_are_not_reported() {
        let ready = json!({ "type": "Ready", "status": "True" });
        assert_eq!(pod(&json!({ "phase": "Running", "conditions": [ready] })), None);
        assert_eq!(pod(&json!({ "phase": "Succeeded" })), None);
    }
}
