//! The pods behind a Service, as they come and go.

use std::{collections::BTreeMap, pin::pin};

use futures::StreamExt as _;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{
    Api, ResourceExt as _,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};
use tokio::sync::watch;

use super::ServiceRef;
use crate::Cluster;

/// A pod that accepts connections.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backend {
    pub(super) pod: String,
    /// The pod's own port.
    pub(super) port: u16,
}

/// The current state of the pods behind a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Backends {
    /// The ready ones.
    pub(super) ready: Vec<Backend>,
    /// How many are not ready.
    pub(super) waiting: usize,
    /// Why the state is not current.
    pub(super) error: Option<String>,
}

impl Backends {
    /// Why it accepts no connections.
    pub(super) fn state(&self) -> String {
        match (&self.error, self.waiting) {
            (Some(error), _) => format!("its endpoints cannot be watched: {error}"),
            (None, 0) => "it has no pods".to_owned(),
            (None, 1) => "its pod is not ready".to_owned(),
            (None, pods) => format!("none of its {pods} pods is ready"),
        }
    }
}

/// Follows the pods behind the Service's port of this name (empty for one without) until nobody listens.
pub(super) async fn follow(cluster: Cluster, service: ServiceRef, port: String, seen: watch::Sender<Backends>) {
    let api = Api::<EndpointSlice>::namespaced(cluster.client.clone(), &service.namespace);
    let of_service = watcher::Config::default().labels(&format!("kubernetes.io/service-name={}", service.name));
    let mut events = pin!(watcher(api, of_service).default_backoff());
    let mut slices = BTreeMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                slices.clear();
                continue;
            }
            Ok(watcher::Event::InitApply(slice)) => {
                slices.insert(slice.name_any(), slice);
                continue;
            }
            Ok(watcher::Event::Apply(slice)) => drop(slices.insert(slice.name_any(), slice)),
            Ok(watcher::Event::Delete(slice)) => drop(slices.remove(&slice.name_any())),
            Ok(watcher::Event::InitDone) => {}
            Err(error) => {
                // The last state may still be right: the watch is resumed.
                seen.send_modify(|backends| backends.error = Some(error.to_string()));
                continue;
            }
        }
        let now = backends(slices.values(), &port);
        seen.send_if_modified(|backends| std::mem::replace(backends, now.clone()) != now);
    }
}

fn backends<'a>(slices: impl Iterator<Item = &'a EndpointSlice>, port: &str) -> Backends {
    let mut backends = Backends::default();
    for slice in slices {
        let mut ports = slice.ports.iter().flatten();
        let number = ports.find(|known| known.name.as_deref().unwrap_or_default() == port).and_then(|it| it.port);
        for endpoint in &slice.endpoints {
            let pod = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
            let Some(pod) = pod.and_then(|target| target.name.clone()) else { continue };
            let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) != Some(false);
            match number.and_then(|number| u16::try_from(number).ok()) {
                Some(port) if ready => backends.ready.push(Backend { pod, port }),
                _ => backends.waiting += 1,
            }
        }
    }
    // A Service with two address families names each pod twice.
    backends.ready.sort();
    backends.ready.dedup();
    backends
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Ports differ between pods where the target is named, and unready pods are no targets.
    #[test]
    fn each_pod_has_the_port_of_its_slice() {
        let endpoint = |pod: &str, ready: bool| {
            json!({ "addresses": ["10.0.0.1"], "conditions": { "ready": ready },
                    "targetRef": { "kind": "Pod", "name": pod } })
        };
        let slice = |port: u16, endpoints: Vec<serde_json::Value>| {
            serde_json::from_value::<EndpointSlice>(json!({ "addressType": "IPv4", "metadata": {},
                "ports": [{ "name": "web", "port": 1 }, { "name": "grpc", "port": port }], "endpoints": endpoints }))
            .unwrap()
        };
        let slices = [
            slice(8080, vec![endpoint("b", true), endpoint("c", false)]),
            slice(9090, vec![endpoint("a", true)]),
            slice(9090, vec![endpoint("a", true)]),
        ];
        let seen = backends(slices.iter(), "grpc");
        let backend = |pod: &str, port| Backend { pod: pod.to_owned(), port };
        assert_eq!(seen.ready, [backend("a", 9090), backend("b", 8080)]);
        assert_eq!(seen.waiting, 1);
        assert_eq!(backends(slices.iter(), "other").ready, []);
        assert_eq!(Backends::default().state(), "it has no pods");
    }
}
