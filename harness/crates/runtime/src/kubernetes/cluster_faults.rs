//! Faults of the cluster rather than of a component: pods deleted, the operator killed or stopped, nodes drained,
//! quotas.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use hourglass_cluster::{Cluster, ClusterError, ignore_not_found, operator::OperatorRelease, watch};
use hourglass_component::timeout::timeout;
use hourglass_operator::status::is_pod_ready;
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Node, Pod, ResourceQuota},
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams},
    runtime::watcher,
};
use serde_json::json;

use super::{
    KubernetesRuntime,
    faults::failed,
    pods::{none_left, runs},
    processes::{Signal, signal},
};
use crate::{ClusterFaults, RuntimeError};

/// Marks nodes that a trial has cordoned, so that others can uncordon them when the trial is gone.
const CORDONED: &str = "hourglass-harness/cordoned";
/// The time for which Kubernetes delays the restart of a container that was killed for the third time, and a start.
const OPERATOR_BACK: Duration = Duration::from_mins(1);
/// The label that pods of every operator share, including the public one's.
const OPERATOR_PODS: &str = "app.kubernetes.io/name=hourglass-operator";
const QUOTA: &str = "hourglass-harness";

/// The ids of a pod's containers.
fn containers(pod: &Pod) -> impl Iterator<Item = String> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.filter_map(|status| status.container_id.clone())
}

#[async_trait]
impl ClusterFaults for KubernetesRuntime {
    async fn delete_pod(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let pods = self.running(component, "delete the pod of").await?;
        self.note_fault(component);
        self.end(&pods, component).await
    }

    async fn kill_cluster_operator(&self) -> Result<(), RuntimeError> {
        self.cluster_fault_injected.store(true, Ordering::Relaxed);
        self.kill_operator().await
    }

    async fn scale_cluster_operator(&self, replicas: u8, within: Duration) -> Result<(), RuntimeError> {
        self.cluster_fault_injected.store(true, Ordering::Relaxed);
        self.scale_operator(replicas.into(), within).await
    }

    async fn drain_node(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        self.cluster_fault_injected.store(true, Ordering::Relaxed);
        self.drain(component, within).await
    }

    async fn uncordon_nodes(&self) -> Result<(), RuntimeError> {
        Ok(uncordon(&self.trial_namespace.cluster).await?)
    }

    async fn set_pod_quota(&self, pods: Option<u32>) -> Result<(), RuntimeError> {
        self.set_quota(pods).await
    }

    async fn partition(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError> {
        self.block(from, to).await
    }

    async fn heal(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError> {
        self.unblock(from, to).await
    }
}

impl KubernetesRuntime {
    /// Restores what other users of the cluster rely on.
    pub(super) async fn undo_cluster_faults(&self) -> Result<(), RuntimeError> {
        if !self.cluster_fault_injected.load(Ordering::Relaxed) {
            return Ok(());
        }
        uncordon(&self.trial_namespace.cluster).await?;
        let operator = self.operator().await?;
        self.patch_scale(operator, 1).await?;
        self.wait_for_operator(operator).await
    }

    /// Ending executors wait for the operator to remove their performers, for a short time only.
    async fn wait_for_operator(&self, operator: &OperatorRelease) -> Result<(), RuntimeError> {
        let cluster = &self.trial_namespace.cluster;
        let api = Api::<Pod>::namespaced(cluster.client.clone(), &operator.namespace);
        let killed = self.killed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let serves = |pod: &Pod| is_pod_ready(pod) && containers(pod).all(|id| !killed.contains(&id));
        let selected = watcher::Config::default().labels(OPERATOR_PODS);
        let back = watch(cluster, api, selected, "pods", |pods: &BTreeMap<String, Pod>| {
            pods.values().any(serves).then_some(())
        });
        let Ok(back) = timeout(OPERATOR_BACK, back).await else {
            let (what, state) = ("the operator to be back".to_owned(), "none of its pods is ready".to_owned());
            return Err(RuntimeError::Timeout { what, within: OPERATOR_BACK, state });
        };
        Ok(back?)
    }

    async fn operator(&self) -> Result<&OperatorRelease, RuntimeError> {
        Ok(&self.preparation.done().await?.operator)
    }

    async fn kill_operator(&self) -> Result<(), RuntimeError> {
        let namespace = &self.operator().await?.namespace;
        let cluster = &self.trial_namespace.cluster;
        let api = Api::<Pod>::namespaced(cluster.client.clone(), namespace);
        let pods = api.list(&ListParams::default().labels(OPERATOR_PODS)).await;
        let pods = pods.map_err(self.trial_namespace.fail(format!("list the operator's pods in {namespace}")))?;
        let undone = |reason: String| RuntimeError::Disturbance { doing: "kill the operator".to_owned(), reason };
        let running: Vec<_> = pods.into_iter().filter(runs).collect();
        if running.is_empty() {
            return Err(undone("it is not running".to_owned()));
        }
        for pod in running {
            self.killed.lock().unwrap_or_else(PoisonError::into_inner).extend(containers(&pod));
            signal(Signal::Kill, &pod, cluster).await.map_err(|error| undone(error.to_string()))?;
        }
        Ok(())
    }

    async fn scale_operator(&self, replicas: i32, within: Duration) -> Result<(), RuntimeError> {
        let operator = self.operator().await?;
        self.patch_scale(operator, replicas).await?;
        let cluster = &self.trial_namespace.cluster;
        let api = Api::<Deployment>::namespaced(cluster.client.clone(), &operator.namespace);
        let by_name = watcher::Config::default().fields(&format!("metadata.name={}", operator.deployment));
        let mut seen = "nothing was seen of it".to_owned();
        let scaled = watch(cluster, api, by_name, "deployments", |deployments: &BTreeMap<String, Deployment>| {
            let status = deployments.values().next()?.status.as_ref()?;
            let (there, available) =
                (status.replicas.unwrap_or_default(), status.available_replicas.unwrap_or_default());
            seen = format!("{there} are there, {available} of them available");
            (there == replicas && available == replicas).then_some(())
        });
        match timeout(within, scaled).await {
            Ok(scaled) => Ok(scaled?),
            Err(_) => {
                Err(RuntimeError::Timeout { what: format!("{replicas} of the operator to run"), within, state: seen })
            }
        }
    }

    async fn patch_scale(&self, operator: &OperatorRelease, replicas: i32) -> Result<(), RuntimeError> {
        let OperatorRelease { namespace, deployment, .. } = operator;
        let api = Api::<Deployment>::namespaced(self.trial_namespace.cluster.client.clone(), namespace);
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        let scaled = api.patch_scale(deployment, &PatchParams::default(), &patch).await;
        scaled.map(drop).map_err(self.trial_namespace.fail(format!("scale Deployment {namespace}/{deployment}")))
    }

    async fn drain(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        let pods = self.running(component, "drain the node of").await?;
        let node = pods.first().and_then(|pod| pod.spec.as_ref()?.node_name.clone()).unwrap_or_default();
        let nodes = Api::<Node>::all(self.trial_namespace.cluster.client.clone());
        let mark = json!({ "metadata": { "annotations": { CORDONED: self.labels.run.as_str() } }, "spec": { "unschedulable": true } });
        let cordoned = nodes.patch(&node, &PatchParams::default(), &Patch::Merge(mark)).await;
        cordoned.map_err(self.trial_namespace.fail(format!("cordon node {node}")))?;
        let api = self.trial_namespace.api::<Pod>();
        let on_node = ListParams::default().fields(&format!("spec.nodeName={node}"));
        let listed =
            api.list(&on_node).await.map_err(self.trial_namespace.fail(format!("list the pods of node {node}")))?;
        for pod in &listed {
            if let Some(component) = self.names.component_of(pod, &self.trial_namespace).await {
                self.note_fault(&component);
            }
            let doing = format!("evict pod {}/{}", self.trial_namespace.namespace, pod.name_any());
            let evicted = api.evict(&pod.name_any(), &EvictParams::default()).await;
            ignore_not_found(evicted).map_err(self.trial_namespace.fail(doing))?;
        }
        let left = none_left(&self.trial_namespace, &listed.items, within, |_| true).await?;
        if left.is_empty() {
            return Ok(());
        }
        Err(failed("drain the node of", component, &format!("{} stay on it", left.join(", "))))
    }

    async fn set_quota(&self, pods: Option<u32>) -> Result<(), RuntimeError> {
        let Some(pods) = pods else {
            let deleted = self.trial_namespace.api::<ResourceQuota>().delete(QUOTA, &DeleteParams::default()).await;
            return ignore_not_found(deleted)
                .map(drop)
                .map_err(self.trial_namespace.fail(format!("delete the quota of {}", self.trial_namespace.namespace)));
        };
        // Components that need another pod may not get it.
        self.names.performers().for_each(|performer| self.note_fault(performer));
        let quota = json!({ "metadata": { "name": QUOTA }, "spec": { "hard": { "pods": pods.to_string() } } });
        self.trial_namespace.apply::<ResourceQuota>(&quota).await
    }
}

/// Uncordons the nodes that a trial has cordoned, this one or one that is gone.
pub(super) async fn uncordon(cluster: &Cluster) -> Result<(), ClusterError> {
    // In an existing cluster no node was cordoned.
    if cluster.machine.is_none() {
        return Ok(());
    }
    let nodes = Api::<Node>::all(cluster.client.clone());
    let listed = nodes.list(&ListParams::default()).await;
    let listed = listed.map_err(ClusterError::api(&cluster.name, "list nodes"))?;
    for node in listed.iter().filter(|node| node.annotations().contains_key(CORDONED)) {
        let patch = json!({ "metadata": { "annotations": { CORDONED: null } }, "spec": { "unschedulable": null } });
        let patched = nodes.patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(ClusterError::api(&cluster.name, format!("uncordon node {}", node.name_any())))?;
    }
    Ok(())
}
