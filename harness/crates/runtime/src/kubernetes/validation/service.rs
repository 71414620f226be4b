//! The Service of a Performer: its port, its selector, and its endpoints.

use std::collections::BTreeSet;

use hourglass_operator::{api::Performer, status::is_pod_ready};
use k8s_openapi::api::{
    core::v1::{Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::ResourceExt;

use super::{SERVICE, Snapshot, violation};
use crate::InvariantViolation;

/// What is wrong with the Service of a Performer with these pods.
pub(super) fn violations(performer: &Performer, own: &[&Pod], snapshot: &Snapshot) -> Vec<InvariantViolation> {
    let name = performer.object_name();
    let Some(service) = snapshot.services.get(&name) else {
        return vec![violation(SERVICE, format!("Service {name}"), "it is not there")];
    };
    let port = i32::from(performer.grpc_port());
    let mut broken = Vec::new();
    broken.extend(ports(&name, port, service));
    let selected = selection(&name, own, service, snapshot);
    // Endpoints follow from the selector, and are judged only if that is right.
    match selected {
        Some(wrong) => broken.push(wrong),
        None if own.iter().any(|pod| is_pod_ready(pod)) => broken.extend(endpoints(&name, port, own, snapshot)),
        // Without a ready pod there is no endpoint; the pod's own violation reports that.
        None => {}
    }
    broken
}

fn ports(name: &str, port: i32, service: &Service) -> Option<InvariantViolation> {
    let ports: Vec<_> =
        service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()).map(|port| port.port).collect();
    (!ports.contains(&port))
        .then(|| violation(SERVICE, format!("port {port}"), format!("Service {name} has {ports:?}")))
}

/// It must select the pods of its Performer and no others.
fn selection(name: &str, own: &[&Pod], service: &Service, snapshot: &Snapshot) -> Option<InvariantViolation> {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
    let selects = |pod: &Pod| selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value));
    let names = |pods: Vec<&Pod>| pods.into_iter().map(ResourceExt::name_any).collect::<Vec<_>>().join(", ");
    let missed: Vec<_> = own.iter().copied().filter(|pod| !selects(pod)).collect();
    let is_own = |pod: &Pod| own.iter().any(|own| own.name_any() == pod.name_any());
    let strange: Vec<_> = snapshot.pods.iter().filter(|pod| !is_own(pod) && selects(pod)).collect();
    let wrong = if selector.is_empty() {
        "has no selector".to_owned()
    } else if !missed.is_empty() {
        format!("with selector {selector:?} does not select {}", names(missed))
    } else if !strange.is_empty() {
        format!("with selector {selector:?} selects {} too", names(strange))
    } else {
        return None;
    };
    Some(violation(SERVICE, "a selector of the pod of its Performer", format!("Service {name} {wrong}")))
}

/// There must be a ready endpoint, at the performer's port, and none of others.
fn endpoints(name: &str, port: i32, own: &[&Pod], snapshot: &Snapshot) -> Option<InvariantViolation> {
    let of_it = |slice: &&EndpointSlice| slice.labels().get("kubernetes.io/service-name").is_some_and(|it| it == name);
    let slices: Vec<_> = snapshot.slices.iter().filter(of_it).collect();
    let ready = slices.iter().flat_map(|slice| &slice.endpoints);
    let ready = ready.filter(|endpoint| endpoint.conditions.as_ref().and_then(|it| it.ready) == Some(true));
    let addresses: BTreeSet<_> = ready.flat_map(|endpoint| &endpoint.addresses).cloned().collect();
    let own: BTreeSet<_> = own.iter().flat_map(|pod| addresses_of(pod)).collect();
    let strange: Vec<_> = addresses.difference(&own).cloned().collect();
    let ports: Vec<_> =
        slices.iter().flat_map(|slice| slice.ports.iter().flatten()).filter_map(|port| port.port).collect();
    let wrong = if addresses.is_empty() {
        "has none".to_owned()
    } else if !strange.is_empty() {
        format!("leads to {}, where no pod of its Performer is", strange.join(", "))
    } else if !ports.contains(&port) {
        format!("leads to port {ports:?} of its pod")
    } else {
        return None;
    };
    Some(violation(SERVICE, format!("a ready endpoint at port {port}"), format!("Service {name} {wrong}")))
}

/// In dual-stack clusters a pod has an address of each family.
fn addresses_of(pod: &Pod) -> impl Iterator<Item = String> {
    let status = pod.status.iter();
    let all = status.clone().flat_map(|status| status.pod_ips.iter().flatten().map(|address| address.ip.clone()));
    all.chain(status.filter_map(|status| status.pod_ip.clone()))
}
