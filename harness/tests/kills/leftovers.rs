//! Everything that is left of the trials of one test.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};
use hourglass_harness::{
    Runtime,
    cluster::namespaces_of_runs,
    engine::Engine,
    reaper::{RUN_LABEL, TRIAL_LABEL},
};
use hourglass_test_support::{Daemons, Sandbox, TestCluster, block_on, eventually};
use k8s_openapi::api::{
    core::v1::{Namespace, Pod, Secret},
    rbac::v1::{ClusterRole, ClusterRoleBinding},
};
use kube::{Api, Resource, ResourceExt as _, api::ListParams};
use serde::de::DeserializeOwned;

use crate::moments::unique_name;

/// Everything that exists of a scenario's trials: processes, with supervisors and daemons, and the objects in an engine
/// and a cluster.
pub(crate) struct Leftovers<'a> {
    sandbox: &'a Sandbox,
    daemons: &'a Daemons,
    scenario: String,
    trial: String,
    engine: Option<Engine>,
    cluster: Option<TestCluster>,
    /// Namespaces and runs of these trials that were seen.
    seen: RefCell<BTreeSet<String>>,
}

impl<'a> Leftovers<'a> {
    pub(crate) fn new(runtime: Runtime, sandbox: &'a Sandbox, daemons: &'a Daemons) -> Self {
        let engine = (runtime != Runtime::Process).then(|| block_on(Engine::connect()).unwrap());
        let cluster = (runtime == Runtime::Kubernetes).then(TestCluster::lease);
        let scenario = unique_name();
        let trial = format!("{runtime}::{scenario}");
        Self { sandbox, daemons, scenario, trial, engine, cluster, seen: RefCell::default() }
    }

    /// The name of the scenario.
    pub(crate) fn scenario(&self) -> &str {
        &self.scenario
    }

    /// A description of everything that is left. Namespaces count until their removal was requested and nothing runs in
    /// them.
    pub(crate) fn look(&self) -> Vec<String> {
        let mut left = self.sandbox.processes();
        left.extend(self.daemons.alive().iter().map(|pid| format!("daemon {pid:?}")));
        left.extend(self.engine.iter().flat_map(|engine| block_on(self.in_engine(engine))));
        left.extend(self.cluster.iter().flat_map(|cluster| block_on(self.in_cluster(cluster))));
        left
    }

    /// Asserts that the control plane has removed all namespaces too, and with them Helm's records of releases.
    pub(crate) fn assert_all_removed_eventually(&self, within: Duration) {
        let Some(cluster) = &self.cluster else { return };
        let left = eventually(within, || {
            let left = block_on(self.in_cluster_scope(cluster));
            if left.is_empty() { Ok(()) } else { Err(left) }
        });
        assert_eq!(left, Ok(()), "left in the cluster");
    }

    /// Objects with the label of the trial, and unlabelled containers on the networks of its runs.
    async fn in_engine(&self, engine: &Engine) -> Vec<String> {
        let docker = engine.docker();
        let filters = HashMap::from([("label", vec![format!("{TRIAL_LABEL}={}", self.trial)])]);
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = docker.list_networks(Some(networks)).await.unwrap();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = docker.list_volumes(Some(volumes)).await.unwrap().volumes.unwrap_or_default();
        let all = ListContainersOptionsBuilder::new().all(true).build();
        let containers = docker.list_containers(Some(all)).await.unwrap();
        let mut left: Vec<String> = volumes.into_iter().map(|volume| format!("volume {}", volume.name)).collect();
        let mut seen = self.seen.borrow_mut();
        for network in networks {
            let run = network.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL));
            seen.extend(run.cloned());
            left.push(format!("network {}", network.name.unwrap_or_default()));
        }
        for container in containers {
            let labels = container.labels.unwrap_or_default();
            let attached = container.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
            let is_ours = labels.get(TRIAL_LABEL) == Some(&self.trial)
                || attached.keys().any(|network| seen.iter().any(|run| network.contains(run)));
            left.extend(is_ours.then(|| format!("container {:?}", container.names)));
        }
        left
    }

    async fn in_cluster(&self, cluster: &TestCluster) -> Vec<String> {
        let namespaces = Api::<Namespace>::all(cluster.client.clone());
        let mut left = Vec::new();
        for own in namespaces_of_runs(cluster).await.unwrap() {
            if own.labels.trial != self.trial {
                continue;
            }
            self.seen.borrow_mut().insert(own.name.clone());
            let namespace = namespaces.get_opt(&own.name).await.unwrap();
            let stays = namespace.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_none());
            left.extend(stays.then(|| format!("namespace {}", own.name)));
            let pods = Api::<Pod>::namespaced(cluster.client.clone(), &own.name);
            let pods = pods.list(&ListParams::default()).await.unwrap();
            left.extend(pods.iter().map(|pod| format!("pod {}/{}", own.name, pod.name_any())));
        }
        left
    }

    /// Namespaces, Helm's records, and objects of releases outside of namespaces.
    async fn in_cluster_scope(&self, cluster: &TestCluster) -> Vec<String> {
        let seen = self.seen.borrow().clone();
        let client = || cluster.client.clone();
        let of_helm = ListParams::default().labels("owner=helm");
        let records = Api::<Secret>::all(client()).list(&of_helm).await.unwrap();
        let records = records.into_iter().filter(|record| record.namespace().is_some_and(|name| seen.contains(&name)));
        let mut left: Vec<String> = records.map(|record| format!("record {} of Helm", record.name_any())).collect();
        left.extend(released_from(Api::<ClusterRole>::all(client()), &seen).await);
        left.extend(released_from(Api::<ClusterRoleBinding>::all(client()), &seen).await);
        let namespaces = Api::<Namespace>::all(client()).list(&ListParams::default()).await.unwrap();
        let namespaces = namespaces.into_iter().map(|namespace| namespace.name_any());
        left.extend(namespaces.filter(|name| seen.contains(name)).map(|name| format!("namespace {name}")));
        left
    }
}

async fn released_from<K>(api: Api<K>, namespaces: &BTreeSet<String>) -> Vec<String>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let listed = api.list(&ListParams::default()).await.unwrap();
    let of_ours = |object: &K| {
        let from = object.annotations().get("meta.helm.sh/release-namespace");
        from.is_some_and(|from| namespaces.contains(from))
    };
    listed.into_iter().filter(of_ours).map(|object| format!("{} {}", K::kind(&()), object.name_any())).collect()
}
