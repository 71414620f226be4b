//! The configuration of kind, in its own format (`kind.x-k8s.io/v1alpha4`).

use std::path::Path;

use serde_json::{Value, json};

use super::patches;
use crate::ClusterSpec;

const LOOPBACK: &str = "127.0.0.1";
/// The address of a Service works only after the node's proxy has written its rules. By default the proxy waits a
/// second between changes, so ready pods are reached that much later. Nodes of this size write their rules in
/// milliseconds.
const PROXY: &str =
    "kind: KubeProxyConfiguration\niptables:\n  minSyncPeriod: 50ms\nnftables:\n  minSyncPeriod: 50ms\n";
/// By default, the controllers of Kubernetes together send at most twenty requests a second to the API server, so a few
/// Deployments at once wait for seconds.
const CONTROLLERS: &str = "\
    apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\ncontrollerManager:\n  extraArgs:\n    \
    kube-api-qps: \"200\"\n    kube-api-burst: \"400\"\n";

/// The configuration of a cluster, as YAML; the folder is that of [`patches`].
pub(super) fn config(spec: &ClusterSpec, folder: &Path) -> String {
    // Zero lets the engine choose a free port, which stays the same when the node starts again.
    let ports = spec.ports.iter().map(
        |port| json!({ "containerPort": port.node_port, "hostPort": 0, "listenAddress": LOOPBACK, "protocol": "TCP" }),
    );
    let image = &spec.node_image;
    let mount = json!({ "hostPath": folder, "containerPath": patches::IN_NODE, "readOnly": true });
    let mut control_plane = json!({ "role": "control-plane", "image": image, "extraMounts": [mount] });
    if !spec.ports.is_empty() {
        control_plane["extraPortMappings"] = ports.collect();
    }
    let workers = (0..spec.workers).map(|_| json!({ "role": "worker", "image": image }));
    let nodes: Vec<Value> = [control_plane].into_iter().chain(workers).collect();
    let patches = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\npatches:\n  directory: {}\n",
        patches::IN_NODE
    );
    let mut config = json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": { "ipFamily": "ipv4", "apiServerAddress": LOOPBACK },
        "kubeadmConfigPatches": [PROXY, CONTROLLERS, patches],
        "nodes": nodes,
    });
    if !spec.feature_gates.is_empty() {
        config["featureGates"] = json!(spec.feature_gates);
    }
    // The configuration holds nothing but text, numbers and booleans.
    serde_yaml::to_string(&config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PortMapping;

    #[test]
    fn kind_is_told_what_was_asked_for() {
        let spec = ClusterSpec {
            workers: 2,
            feature_gates: [("InPlacePodVerticalScaling".to_owned(), true)].into(),
            ports: vec![PortMapping { node_port: 30_080 }],
            ..ClusterSpec::default()
        };
        insta::assert_snapshot!(config(&spec, Path::new("/clusters/one/patches")));
    }
}
