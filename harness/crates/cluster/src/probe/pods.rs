//! Pods of the probes: made on each node, awaited, and told to try connections.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use futures::future::join_all;
use hourglass_image::ImageRole;
use hourglass_operator::status::is_pod_ready;
use k8s_openapi::api::core::v1::{ContainerState, Node as NodeObject, Pod};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, PostParams},
    runtime::watcher,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{DialResult, objects::Objects};
use crate::{
    Cluster, ClusterError, OwnNamespace, run_in_pod,
    usable::{is_ready, watch},
};

/// How long pods may take until they serve.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long a command in a pod may take beyond its own limit: for its start, and for its last attempt.
const MARGIN: Duration = Duration::from_secs(8);

/// A pod that serves and tries connections.
#[derive(Debug, Clone)]
pub(super) struct ProbePod {
    pub(super) name: String,
    pub(super) node: String,
    pub(super) address: String,
}

/// The pods of the probes, and the faults of the pods that are not ready.
#[derive(Debug, Default)]
pub(super) struct ProbePods {
    pub(super) ready: Vec<ProbePod>,
    /// Nodes and pods with the reason why they are not ready.
    pub(super) unready: Vec<String>,
    /// Nodes whose taints keep these pods away.
    pub(super) passed_over: Vec<String>,
    /// The pod that the policy isolates.
    pub(super) walled: Option<ProbePod>,
}

/// Creates a pod on every node that accepts pods, and one to isolate, and waits until they serve.
pub(super) async fn stand_up(
    cluster: &Cluster,
    namespace: &OwnNamespace,
    objects: &Objects,
) -> Result<ProbePods, ClusterError> {
    let listed = Api::<NodeObject>::all(cluster.client.clone()).list(&ListParams::default()).await;
    let listed = listed.map_err(ClusterError::api(&cluster.name, "list nodes"))?;
    let mut pods = ProbePods::default();
    let mut wanted = BTreeMap::new();
    let mut made = vec![objects.walled()];
    for (index, node) in listed.iter().enumerate() {
        if !is_ready(node) {
            pods.unready.push(format!("node {} is not Ready", node.name_any()));
        } else if takes_no_pods(node) {
            pods.passed_over.push(node.name_any());
        } else {
            let pod = format!("node-{index}");
            made.push(objects.on_node(&pod, &node.name_any()));
            wanted.insert(pod, node.name_any());
        }
    }
    let made = join_all(made.into_iter().map(|pod| create(cluster, namespace, pod))).await;
    made.into_iter().collect::<Result<Vec<_>, _>>()?;
    let names: Vec<_> = wanted.keys().map(String::as_str).chain([super::objects::WALLED]).collect();
    for (name, state) in await_ready(cluster, namespace, &names).await? {
        match (state, wanted.get(&name)) {
            (Ok(pod), Some(_)) => pods.ready.push(pod),
            (Ok(pod), None) => pods.walled = Some(pod),
            (Err(state), Some(node)) => pods.unready.push(format!("the pod on node {node} {state}")),
            (Err(state), None) => pods.unready.push(format!("pod {name} {state}")),
        }
    }
    Ok(pods)
}

/// Makes an object in the namespace.
pub(super) async fn create<K>(
    cluster: &Cluster,
    namespace: &OwnNamespace,
    object: Result<K, serde_json::Error>,
) -> Result<K, ClusterError>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + Serialize + Debug,
    K::DynamicType: Default,
{
    let doing = || format!("create a {} in namespace {}", K::kind(&K::DynamicType::default()), namespace.name());
    let fail = |source| ClusterError::api(&cluster.name, doing())(source);
    let object = object.map_err(kube::Error::SerdeError).map_err(fail)?;
    namespace.api::<K>().create(&PostParams::default(), &object).await.map_err(fail)
}

/// Waits until these pods are ready; returns each as it is then, or why it is not ready.
async fn await_ready(
    cluster: &Cluster,
    namespace: &OwnNamespace,
    names: &[&str],
) -> Result<BTreeMap<String, Result<ProbePod, String>>, ClusterError> {
    let mut states = BTreeMap::new();
    let all = watch(cluster, namespace.api::<Pod>(), watcher::Config::default(), "pods", |pods| {
        let unseen = || Err("is not there".to_owned());
        let state = |name: &&str| ((*name).to_owned(), pods.get(*name).map_or_else(unseen, state));
        states = names.iter().map(state).collect();
        states.values().all(Result::is_ok).then_some(())
    });
    // For pods that are late, the last observed state is reported.
    if let Ok(all) = timeout(READY_WITHIN, all).await {
        all?;
    }
    Ok(states)
}

fn state(pod: &Pod) -> Result<ProbePod, String> {
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    if is_pod_ready(pod) {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        return Ok(ProbePod { name: pod.name_any(), node, address: status.pod_ip.unwrap_or_default() });
    }
    let scheduled = conditions.iter().find(|condition| condition.type_ == "PodScheduled");
    if let Some(scheduled) = scheduled.filter(|scheduled| scheduled.status == "False") {
        return Err(format!("is not scheduled: {}", scheduled.message.clone().unwrap_or_default()));
    }
    let containers = status.container_statuses.unwrap_or_default();
    let state = containers.into_iter().find_map(|container| container.state);
    Err(state.map_or_else(|| "is not started by its node".to_owned(), described))
}

fn described(state: ContainerState) -> String {
    let with = |reason: Option<String>, message: Option<String>| {
        let said: Vec<_> = reason.into_iter().chain(message).collect();
        said.join(": ")
    };
    match (state.waiting, state.terminated) {
        (Some(waiting), _) => format!("waits: {}", with(waiting.reason, waiting.message)),
        (_, Some(ended)) => {
            format!("ended with {}: {}", ended.exit_code, with(ended.reason, ended.message))
        }
        _ => "runs, and its port does not open for its node".to_owned(),
    }
}

fn takes_no_pods(node: &NodeObject) -> bool {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let mut effects = taints.map(|taint| taint.effect.as_str());
    effects.any(|effect| effect != "PreferNoSchedule")
}

impl ProbePod {
    /// Tries these targets concurrently from within the pod.
    pub(super) async fn dial(
        &self,
        cluster: &Cluster,
        namespace: &OwnNamespace,
        targets: &[String],
        within: Duration,
    ) -> Result<Vec<DialResult>, String> {
        let limit = humantime::format_duration(within).to_string();
        let words = [ImageRole::Components.program(), "probe", "connect", "--within", &limit];
        let command = words.into_iter().chain(targets.iter().map(String::as_str));
        let pod = (namespace.name(), self.name.as_str());
        let said = timeout(within + MARGIN, run_in_pod(cluster, pod, command));
        let said = said.await.map_err(|_| "it does not end".to_owned())??;
        let lines = said.lines().map(serde_json::from_str).collect::<Result<Vec<DialResult>, _>>();
        let dialled = lines.map_err(|_| format!("it says {:?}", said.trim()))?;
        if dialled.len() < targets.len() { Err(format!("it says {:?}", said.trim())) } else { Ok(dialled) }
    }
}
