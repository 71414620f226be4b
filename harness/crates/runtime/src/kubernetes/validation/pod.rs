//! Pods: one for a Performer, with the labels by which others find it, ready and never restarted.

use hourglass_operator::{
    api::{AVS_LABEL, PERFORMER_LABEL, Performer},
    status::is_pod_ready,
};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use super::{LABELS, ONE_POD, POD, violation};
use crate::{InvariantViolation, kubernetes::pods::containers};

/// The label that pods of all performers share, the public operator's.
const APP: (&str, &str) = ("app", "hourglass-performer");

/// The pods of a Performer, by their label.
pub(super) fn of_performer<'a>(performer: &Performer, pods: &'a [Pod]) -> Vec<&'a Pod> {
    let name = performer.name_any();
    pods.iter().filter(|pod| pod.labels().get(PERFORMER_LABEL) == Some(&name)).collect()
}

/// What is wrong with the number and the labels of a Performer's pods.
pub(super) fn violations(performer: &Performer, own: &[&Pod], all: &[Pod]) -> Vec<InvariantViolation> {
    let name = performer.name_any();
    if own.is_empty() {
        // A pod that the operator named after the Performer and did not label is found only by its name.
        let named = all.iter().find(|pod| is_named_after(pod, performer));
        return vec![match named {
            Some(pod) => missing(pod, PERFORMER_LABEL, &name),
            None => violation(ONE_POD, "one pod", format!("Performer {name} has none")),
        }];
    }
    let mut broken = Vec::new();
    if own.len() > 1 {
        let pods: Vec<_> = own.iter().map(|pod| pod.name_any()).collect();
        let seen = format!("Performer {name} has {}: {}", own.len(), pods.join(", "));
        broken.push(violation(ONE_POD, "one pod", seen));
    }
    let avs = performer.spec.avs_address.to_lowercase();
    for pod in own {
        for (label, value) in [APP, (AVS_LABEL, avs.as_str())] {
            if pod.labels().get(label).map(String::as_str) != Some(value) {
                broken.push(missing(pod, label, value));
            }
        }
    }
    broken
}

/// What is wrong with the state of a pod of any component.
pub(super) fn state(pod: &Pod) -> Option<InvariantViolation> {
    let restarts: i32 = containers(pod).map(|status| status.restart_count).sum();
    if is_pod_ready(pod) && restarts == 0 {
        return None;
    }
    let ready = if is_pod_ready(pod) { "ready" } else { "not ready" };
    Some(violation(POD, "ready, no restart", format!("pod {}: {ready}, restarts: {restarts}", pod.name_any())))
}

/// Whether a pod belongs to no other Performer, and has the name of this one, with or without a suffix.
fn is_named_after(pod: &Pod, performer: &Performer) -> bool {
    let (name, object) = (pod.name_any(), performer.object_name());
    let suffix = name.strip_prefix(&object);
    !pod.labels().contains_key(PERFORMER_LABEL)
        && suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('-'))
}

fn missing(pod: &Pod, label: &str, value: &str) -> InvariantViolation {
    let name = pod.name_any();
    let seen = match pod.labels().get(label) {
        Some(other) => format!("pod {name} has {label}={other}"),
        None => format!("pod {name} has no label {label}"),
    };
    violation(LABELS, format!("{label}={value}"), seen)
}
