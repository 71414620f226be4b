//! Keeps pods down: a pod that is deleted while it has a finalizer of the harness ends, but its name stays taken, so
//! that a `StatefulSet` does not replace it before the finalizer is removed.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, ignore_not_found};

/// Keeps the name of a pod that has ended.
const HOLD: &str = "hourglass-harness/hold";

/// Adds the finalizer to a pod, before the pod is deleted.
pub async fn add_hold_finalizer(cluster: &Cluster, pod: &Pod) -> Result<(), ClusterError> {
    let finalizers: Vec<_> = pod.finalizers().iter().map(String::as_str).chain([HOLD]).collect();
    patch(cluster, pod, &json!(finalizers)).await
}

/// Removes the finalizer from all pods of a namespace.
pub async fn remove_hold_finalizers(cluster: &Cluster, namespace: &str) -> Result<(), ClusterError> {
    let api = Api::<Pod>::namespaced(cluster.client.clone(), namespace);
    let pods = api.list(&ListParams::default()).await;
    let pods = pods.map_err(ClusterError::api(&cluster.name, format!("list the pods of namespace {namespace}")))?;
    for pod in pods.iter().filter(|pod| is_held(pod)) {
        remove_hold_finalizer(cluster, pod).await?;
    }
    Ok(())
}

/// Removes the finalizer from one pod.
pub async fn remove_hold_finalizer(cluster: &Cluster, pod: &Pod) -> Result<(), ClusterError> {
    let others: Vec<_> = pod.finalizers().iter().filter(|finalizer| *finalizer != HOLD).collect();
    patch(cluster, pod, &json!(others)).await
}

fn is_held(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|finalizer| finalizer == HOLD)
}

async fn patch(cluster: &Cluster, pod: &Pod, finalizers: &Value) -> Result<(), ClusterError> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let api = Api::<Pod>::namespaced(cluster.client.clone(), &namespace);
    let patch = json!({ "metadata": { "finalizers": finalizers } });
    let patched = ignore_not_found(api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await);
    let doing = format!("change the finalizers of pod {namespace}/{name}");
    patched.map(drop).map_err(ClusterError::api(&cluster.name, doing))
}
