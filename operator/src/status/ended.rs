//! Whether anything of a pod still runs.

use k8s_openapi::api::core::v1::Pod;

/// Whether `pod` was told to end, and its kubelet reports that it has: a phase in which none of its containers runs, or
/// will run. The kubelet's remaining work, such as deleting the object, happens at its next look, up to a second later.
/// A pod that somebody else has deleted at once already, and that a finalizer holds, does not count.
pub fn has_ended(pod: &Pod) -> bool {
    let (spec, status) = (pod.spec.as_ref(), pod.status.as_ref());
    // A pod without a node has no kubelet that could have reported its end.
    let on_a_node = spec.is_some_and(|spec| spec.node_name.is_some());
    let phase = status.and_then(|status| status.phase.as_deref());
    let runs = status.is_some_and(|status| {
        let containers = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
        containers.filter_map(|container| container.state.as_ref()).any(|state| state.running.is_some())
    });
    let told = pod.metadata.deletion_timestamp.is_some() && pod.metadata.deletion_grace_period_seconds != Some(0);
    told && on_a_node && matches!(phase, Some("Succeeded" | "Failed")) && !runs
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const AT: &str = "2026-03-01T12:00:00Z";

    #[rstest]
    #[case::has(json!({}), true)]
    #[case::was_killed(json!({"status": {"phase": "Failed"}}), true)]
    #[case::was_not_told_to(json!({"metadata": {"deletionTimestamp": null}}), false)]
    #[case::was_deleted_at_once(json!({"metadata": {"deletionGracePeriodSeconds": 0}}), false)]
    #[case::is_ending(json!({"status": {"phase": "Running"}}), false)]
    #[case::never_began(json!({"status": {"phase": "Pending"}}), false)]
    #[case::is_not_known_of(json!({"status": {"phase": "Unknown"}}), false)]
    #[case::was_never_on_a_node(json!({"spec": {"nodeName": null}}), false)]
    #[case::runs_against_its_phase(
        json!({"status": {"containerStatuses": [
            {"name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": {"running": {}}},
        ]}}),
        false
    )]
    fn pod_has_ended_if_its_kubelet_says_so(#[case] other: Value, #[case] expected: bool) {
        let mut pod = json!({
            "metadata": {"name": "p", "deletionTimestamp": AT, "deletionGracePeriodSeconds": 30},
            "spec": {"nodeName": "n", "containers": []},
            "status": {"phase": "Succeeded"},
        });
        for (part, fields) in other.as_object().unwrap() {
            pod[part].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        }
        assert_eq!(has_ended(&serde_json::from_value(pod).unwrap()), expected);
    }
}
