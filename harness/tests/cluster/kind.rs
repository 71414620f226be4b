//! New clusters are usable, and deleted ones leave nothing.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use hourglass_harness::cluster::{Cluster, ClusterSpec, Provider as _};
use hourglass_test_support::{OwnCluster, block_on};
use k8s_openapi::api::core::v1::{Node, Pod, ServiceAccount};
use kube::{Api, ResourceExt as _, api::ListParams};

use crate::shared_cluster::shared;

pub(crate) fn new_cluster_is_usable() {
    let cluster = shared();
    block_on(async {
        let nodes = Api::<Node>::all(cluster.client.clone()).list(&ListParams::default()).await.unwrap();
        let ready = nodes
            .items
            .iter()
            .flat_map(|node| node.status.iter().flat_map(|status| status.conditions.iter().flatten()));
        assert_eq!(ready.filter(|condition| condition.type_ == "Ready" && condition.status == "True").count(), 1);
        Api::<ServiceAccount>::namespaced(cluster.client.clone(), "default").get("default").await.unwrap();
    });
}

pub(crate) fn control_plane_collects_garbage_rarely() {
    let cluster = shared();
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), "kube-system");
    let of_control_plane = ListParams::default().labels("tier=control-plane");
    let pods = block_on(pods.list(&of_control_plane)).unwrap();
    let told = pods.iter().filter(|pod| {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let mut env = containers.flat_map(|container| container.env.iter().flatten());
        env.any(|variable| variable.name == "GOGC" && variable.value.as_deref() == Some("400"))
    });
    let mut told: Vec<_> = told.filter_map(|pod| pod.labels().get("component")).collect();
    told.sort();
    assert_eq!(told, ["etcd", "kube-apiserver", "kube-controller-manager"]);
}

pub(crate) fn nothing_is_left_of_a_deleted_cluster() {
    let own = OwnCluster::create(&ClusterSpec { workers: 1, ..ClusterSpec::default() });
    let cluster = Cluster::clone(&own);
    assert_eq!(block_on(cluster.nodes()).unwrap().len(), 2);
    block_on(own.kind().delete(&cluster)).unwrap();
    let kind_name = own.name.in_kind();
    let containers = HashMap::from([("label", vec![format!("io.x-k8s.kind.cluster={kind_name}")])]);
    let networks = HashMap::from([("name", vec![kind_name])]);
    let docker = own.engine.docker();
    block_on(async {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&containers).build();
        assert!(docker.list_containers(Some(options)).await.unwrap().is_empty());
        let options = ListNetworksOptionsBuilder::new().filters(&networks).build();
        assert!(docker.list_networks(Some(options)).await.unwrap().is_empty());
    });
    assert!(!own.folders.folder_of(&own.name).path().exists());
}
