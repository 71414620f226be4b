//! Makes the name service of a new cluster ready sooner.
//!
//! A new kubelet waits a random part of a probe's period before the first probe, and kubeadm's name service is probed
//! every ten seconds: for most of that time a cluster would be ready and idle.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{Cluster, ClusterError, ignore_not_found};

const NAMESPACE: &str = "kube-system";
const NAME_SERVICE: &str = "coredns";

/// Makes the kubelet probe the name service every second, and runs one replica on a single node. This costs nothing
/// while its pods wait for a node, as they do when kind is done.
pub(super) async fn probe_names_often(cluster: &Cluster, nodes: usize) -> Result<(), ClusterError> {
    let deployments = Api::<Deployment>::namespaced(cluster.client.clone(), NAMESPACE);
    let probed = json!([{ "name": NAME_SERVICE, "readinessProbe": { "periodSeconds": 1 } }]);
    let mut spec = json!({ "template": { "spec": { "containers": probed } } });
    if nodes == 1 {
        spec["replicas"] = json!(1);
    }
    let patch = Patch::Strategic(json!({ "spec": spec }));
    // A node image may have a name service of another name, which keeps its own settings.
    let patched = ignore_not_found(deployments.patch(NAME_SERVICE, &PatchParams::default(), &patch).await);
    patched.map(drop).map_err(ClusterError::api(&cluster.name, "have the name service probed often"))
}
