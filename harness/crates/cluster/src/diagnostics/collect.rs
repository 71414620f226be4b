//! Collects the evidence of a cluster in a folder.

use std::path::Path;

use hourglass_engine::nodes_of;
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Event, Node as NodeObject, PersistentVolumeClaim, Pod, ResourceQuota},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, ListParams},
};
use serde::de::DeserializeOwned;

use super::{
    Limits, Summary, events, evidence::Evidence, limits::Deadlines, nodes, objects::Objects, pod_files, pods, trouble,
};
use crate::{Cluster, ClusterError, ClusterMachine, Node};

/// The namespace of the control plane, which every collection includes.
const SYSTEM: &str = "kube-system";
/// How many events are read of each namespace.
const EVENTS: u32 = 2000;
/// How many warnings the summary shows.
const WARNINGS: usize = 20;

/// What evidence is read from: a cluster that never came up has only nodes.
#[derive(Clone)]
pub struct Sources {
    /// The cluster's name.
    pub cluster: String,
    /// Its API.
    pub client: Option<Client>,
    /// Its nodes.
    pub machine: Option<ClusterMachine>,
}

impl From<&Cluster> for Sources {
    fn from(cluster: &Cluster) -> Self {
        let Cluster { name, client, machine, .. } = cluster.clone();
        Self { cluster: name, client: Some(client), machine }
    }
}

/// Collects the evidence of these namespaces and of the control plane, or of all namespaces if none is named, into a
/// folder:
///
/// - `summary.txt`: what is broken, the latest warnings, and what could not be collected;
/// - `events.txt`: events, ordered by time;
/// - `namespaces/NAMESPACE/pods/POD/CONTAINER.log` and `….previous.log`;
/// - `namespaces/NAMESPACE/KIND/NAME.yaml` and `cluster/KIND/NAME.yaml`: objects without the values of secrets;
/// - `nodes/NODE/journal.log`, `containerd.log`, `kubelet.log`, `console.log` and `state.yaml`.
///
/// It fails only if the folder cannot be written: an engine or an API server that does not answer is a line of the
/// summary. If the API does not answer, logs of pods come from the nodes' files.
pub async fn collect(
    from: impl Into<Sources>,
    namespaces: &[String],
    into: &Path,
    limits: &Limits,
) -> Result<Summary, ClusterError> {
    let (sources, taken) = (from.into(), Timestamp::now());
    let deadlines = Deadlines::of(limits);
    let evidence = Evidence::create(into, limits)?;
    let mut wanted = namespaces.to_vec();
    if !wanted.is_empty() && !wanted.iter().any(|namespace| namespace == SYSTEM) {
        wanted.push(SYSTEM.to_owned());
    }
    let collection = Collection { sources: &sources, namespaces: &wanted, evidence: &evidence, deadlines };
    let (mut broken, warnings) = Box::pin(collection.run()).await;
    let holdings = evidence.finish(limits);
    broken.dedup();
    let summary = Summary {
        cluster: sources.cluster,
        taken,
        broken,
        warnings,
        gaps: holdings.gaps.clone(),
        files: holdings.files,
        bytes: holdings.bytes,
        took: holdings.took,
        folder: into.to_owned(),
    };
    summary.write(&holdings)?;
    Ok(summary)
}

struct Collection<'a> {
    sources: &'a Sources,
    namespaces: &'a [String],
    evidence: &'a Evidence,
    deadlines: Deadlines,
}

impl Collection<'_> {
    /// Returns what is broken, and the latest warnings.
    async fn run(&self) -> (Vec<String>, Vec<String>) {
        let nodes = self.nodes().await;
        let machine = self.sources.machine.as_ref();
        let of_nodes = async {
            match machine {
                Some(machine) => nodes::collect(machine, &nodes, self.evidence, self.deadlines.end).await,
                None => Vec::new(),
            }
        };
        let of_api = async {
            if let Some(client) = self.answering().await {
                return Box::pin(self.api(client)).await;
            }
            if let Some(machine) = machine {
                pod_files::collect(machine, &nodes, self.namespaces, self.evidence, self.deadlines.end).await;
            }
            (vec!["API server: it does not answer".to_owned()], Vec::new())
        };
        let (mut broken, (said, warnings)) = tokio::join!(of_nodes, of_api);
        broken.extend(said);
        (broken, warnings)
    }

    async fn nodes(&self) -> Vec<Node> {
        let Some(machine) = &self.sources.machine else { return Vec::new() };
        let nodes = nodes_of(&machine.engine, &machine.kind_name);
        let nodes = self.evidence.part("nodes of the engine", self.deadlines.answer, nodes).await;
        if nodes.as_ref().is_some_and(Vec::is_empty) {
            self.evidence.gap("logs of nodes: the engine has no node of this cluster");
        }
        nodes.unwrap_or_default()
    }

    /// The API, if it answers soon.
    async fn answering(&self) -> Option<&Client> {
        let Some(client) = &self.sources.client else {
            self.evidence.gap("objects: there is no way to the API server yet");
            return None;
        };
        self.evidence.part("API server", self.deadlines.answer, client.apiserver_version()).await.map(|_| client)
    }

    async fn api(&self, client: &Client) -> (Vec<String>, Vec<String>) {
        let objects = Objects { client, namespaces: self.namespaces, evidence: self.evidence, end: self.deadlines.end };
        let pods = async {
            let pods = listed::<Pod>(&objects).await;
            pods::collect(client, &pods, self.evidence, self.deadlines.end).await;
            pods
        };
        let nodes = async { parsed::<NodeObject>(objects.cluster_wide(&ApiResource::erase::<NodeObject>(&())).await) };
        let claims = listed::<PersistentVolumeClaim>(&objects);
        let (restrictions, warnings, pods, nodes, claims) =
            tokio::join!(Self::restrictions(&objects), self.events(client), pods, nodes, claims);
        let broken = nodes.iter().filter_map(trouble::of_node);
        let broken = broken.chain(pods.iter().filter_map(trouble::of_pod));
        let broken = broken.chain(claims.iter().filter_map(trouble::of_claim));
        (broken.chain(restrictions).collect(), warnings)
    }

    /// Collects the other objects, and returns what of them keeps pods from being made or from reaching each other.
    async fn restrictions(objects: &Objects<'_>) -> Vec<String> {
        let ((), deployments, quotas, policies) = tokio::join!(
            objects.collect(),
            listed::<Deployment>(objects),
            listed::<ResourceQuota>(objects),
            listed::<NetworkPolicy>(objects)
        );
        let found = deployments.iter().filter_map(trouble::of_deployment);
        let found = found.chain(quotas.iter().filter_map(trouble::of_quota));
        found.chain(policies.iter().map(trouble::of_policy)).collect()
    }

    async fn events(&self, client: &Client) -> Vec<String> {
        let apis: Vec<(String, Api<Event>)> = match self.namespaces {
            [] => vec![("events".to_owned(), Api::all(client.clone()))],
            named => named
                .iter()
                .map(|namespace| {
                    (format!("events of namespace {namespace}"), Api::namespaced(client.clone(), namespace))
                })
                .collect(),
        };
        let page = ListParams::default().limit(EVENTS);
        let lists =
            apis.iter().map(|(what, api)| self.evidence.part(what.clone(), self.deadlines.end, api.list(&page)));
        let lists = futures::future::join_all(lists).await;
        let all: Vec<_> = lists.into_iter().flatten().flat_map(|list| list.items).collect();
        self.evidence.keep_text("events.txt", &events::text(&all));
        events::warnings(&all, WARNINGS)
    }
}

/// Collects the objects of a kind in the namespaces, and returns them.
async fn listed<K>(objects: &Objects<'_>) -> Vec<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    parsed(objects.namespaced(&ApiResource::erase::<K>(&())).await)
}

/// Fields that another version of Kubernetes adds to an object are dropped; objects that cannot be parsed are skipped.
fn parsed<K>(objects: Vec<DynamicObject>) -> Vec<K>
where
    K: Resource + DeserializeOwned,
{
    objects.into_iter().filter_map(|object| object.try_parse().ok()).collect()
}
