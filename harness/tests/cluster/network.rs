//! Services are reached from outside and containers from inside; namespaces are removed or say why not; the doctor
//! names the broken hop.

use std::{fs, net::SocketAddr, os::unix::fs::symlink, process::Command, time::Duration};

use bollard::{
    models::{ContainerCreateBody, HostConfig, NetworkCreateRequest},
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};
use hourglass_component::health;
use hourglass_harness::{
    cluster::{
        Cluster, ClusterError, ClusterMachine, ClusterSpec, OwnNamespace, namespaces_of_runs,
        probe::{DialOutcome, DialResult, ProbeImage, probe},
        reach::{self, How, ReachError, Reached, ServiceRef},
        sweep_namespaces,
    },
    machine::{Check, Verdict},
    reaper::{Labels, Owner, RunId},
};
use hourglass_test_support::{OwnCluster, block_on};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    storage::v1::StorageClass,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    network_namespace::{HARNESS, NetworkNamespace, WITHIN, machine},
    shared_cluster::shared,
};

/// Asserts that a gRPC server at this address reports that it serves.
async fn serves(address: SocketAddr) {
    let address = address.to_string();
    health::wait_until_ready(&address, health::channel(&address).unwrap(), WITHIN).await.unwrap();
}

pub(crate) fn a_service_is_reached_by_port_forward_and_by_node_port() {
    let namespace = NetworkNamespace::new();
    block_on(async {
        let by_name = namespace.performer().await;
        let by_number = ServiceRef { port: 80.into(), ..by_name.clone() };
        for service in [&by_name, &by_number] {
            let forwarded = reach::forward(&namespace.cluster, service, WITHIN).await.unwrap();
            assert!(forwarded.address.ip().is_loopback(), "others could use it: {forwarded}");
            serves(forwarded.address).await;
        }
        let reached = reach::node_port(&namespace.cluster, &by_name, WITHIN).await.unwrap();
        serves(reached.address).await;
        let node = namespace.cluster.nodes().await.unwrap().remove(0);
        let port = match &reached.how {
            How::NodePort(port) => Some(port),
            How::PortForward(_) => None,
        };
        let port = port.unwrap();
        assert_eq!(reached.address, SocketAddr::new(node.address.unwrap(), port.port));
        assert_eq!(port.from_containers(), format!("{}:{}", node.name, port.port));
    });
}

pub(crate) fn a_port_forward_follows_a_pod_that_is_replaced() {
    let namespace = NetworkNamespace::new();
    block_on(async {
        let service = namespace.performer().await;
        let forwarded = reach::forward(&namespace.cluster, &service, WITHIN).await.unwrap();
        serves(forwarded.address).await;
        let pods = namespace.api::<Pod>();
        let first = pods.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
        pods.delete(&first, &DeleteParams::default().grace_period(0)).await.unwrap();
        serves(forwarded.address).await;
        let now: Vec<_> =
            pods.list(&ListParams::default()).await.unwrap().iter().map(kube::ResourceExt::name_any).collect();
        assert!(!now.contains(&first), "the pod was not replaced: {now:?}");
    });
}

pub(crate) fn a_port_forward_ends_when_it_is_dropped_and_says_what_is_wrong() {
    let namespace = NetworkNamespace::new();
    block_on(async {
        let service = namespace.performer().await;
        // Nothing listens on this Service's target.
        let other = ServiceRef { port: "other".into(), ..service.clone() };
        let forwarded = reach::forward(&namespace.cluster, &other, WITHIN).await.unwrap();
        let mut connection = TcpStream::connect(forwarded.address).await.unwrap();
        let mut said = Vec::new();
        timeout(WITHIN, connection.read_to_end(&mut said)).await.unwrap().unwrap();
        let error = error_of(&forwarded).await;
        assert!(error.contains("port 9999 of pod performer-"), "{error}");
        let address = forwarded.address;
        drop(forwarded);
        let refused = timeout(WITHIN, closed(address)).await;
        assert!(refused.is_ok(), "the port of a forward that was dropped still takes connections");

        let missing = ServiceRef { port: 5.into(), ..service.clone() };
        let error = reach::forward(&namespace.cluster, &missing, WITHIN).await.unwrap_err().to_string();
        assert!(error.ends_with("which has 81 (other), 80 (grpc)"), "{error}");
        let unknown = ServiceRef { name: "nothing".into(), ..service.clone() };
        let unknown = reach::forward(&namespace.cluster, &unknown, WITHIN).await;
        assert!(matches!(unknown, Err(ReachError::NoService { .. })), "{unknown:?}");
        namespace
            .create::<Service>(json!({ "metadata": { "name": "empty" },
                "spec": { "selector": { "app": "nothing" }, "ports": [{ "port": 80 }] } }))
            .await;
        let empty = ServiceRef { name: "empty".into(), port: 80.into(), ..service };
        let error = reach::forward(&namespace.cluster, &empty, Duration::from_secs(1)).await.unwrap_err().to_string();
        assert!(error.ends_with("it has no pods"), "{error}");
        let error = reach::node_port(&namespace.cluster, &empty, WITHIN).await.unwrap_err().to_string();
        assert!(error.ends_with("of type ClusterIP"), "{error}");
    });
}

/// The error is recorded when the connection has ended on both sides.
async fn error_of(reached: &Reached) -> String {
    let noted = async {
        loop {
            match reached.last_error() {
                Some(error) => return error,
                None => tokio::task::yield_now().await,
            }
        }
    };
    timeout(WITHIN, noted).await.unwrap()
}

async fn closed(address: SocketAddr) {
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// A container that prints its name on port 8080. It is removed when this is dropped.
struct Outside<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Outside<'a> {
    async fn start(namespace: &'a NetworkNamespace, network: &str) -> Self {
        let run = RunId::generate();
        let name = format!("hourglass-{run}-outside");
        let words = ["/harness", "probe", "serve", "--port", "8080", "--name", "outside"];
        let body = ContainerCreateBody {
            image: Some(namespace.image.clone()),
            entrypoint: Some(words.map(str::to_owned).to_vec()),
            labels: Some(Labels::new(run, "kubernetes::network").to_map()),
            host_config: Some(HostConfig { network_mode: Some(network.to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let docker = machine(&namespace.cluster).engine.docker();
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        docker.create_container(Some(options), body).await.unwrap();
        let outside = Self { cluster: &namespace.cluster, name };
        docker.start_container(&outside.name, None).await.unwrap();
        outside
    }

    async fn remove(self) {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        machine(self.cluster).engine.docker().remove_container(&self.name, Some(options)).await.unwrap();
    }
}

pub(crate) fn pods_reach_containers_on_the_clusters_network_and_no_others() {
    let namespace = NetworkNamespace::new();
    block_on(async {
        let ClusterMachine { engine, network, .. } = machine(&namespace.cluster);
        let run = RunId::generate();
        let elsewhere = format!("hourglass-{run}");
        let request = NetworkCreateRequest {
            name: elsewhere.clone(),
            labels: Some(Labels::new(run, "kubernetes::network").to_map()),
            ..NetworkCreateRequest::default()
        };
        engine.docker().create_network(request).await.unwrap();
        let joined = Outside::start(&namespace, network).await;
        let stranger = Outside::start(&namespace, &elsewhere).await;
        let pod = namespace.dialler().await;

        let seen = reach::container(&namespace.cluster, &joined.name).await.unwrap();
        assert_eq!(seen.url("http", 8545), format!("http://{}:8545", joined.name));
        let targets = [format!("{}:8080", seen.name), format!("{}:8080", seen.address)];
        let reached = namespace.dial(&pod, "10s", &targets).await;
        let answered = |dialled: &DialResult| dialled.came == DialOutcome::Answered("outside".to_owned());
        assert!(reached.iter().all(answered), "{reached:?}");

        let refused = reach::container(&namespace.cluster, &stranger.name).await;
        assert!(matches!(refused, Err(ReachError::NotJoined { .. })), "{refused:?}");
        let inspected = engine.docker().inspect_container(&stranger.name, None).await.unwrap();
        let networks = inspected.network_settings.unwrap().networks.unwrap();
        let address = networks[&elsewhere].ip_address.clone().unwrap();
        let targets = [format!("{}:8080", stranger.name), format!("{address}:8080")];
        let unreached = namespace.dial(&pod, "0s", &targets).await;
        assert!(matches!(unreached[0].came, DialOutcome::NotResolved(_)), "{unreached:?}");
        assert!(matches!(unreached[1].came, DialOutcome::NotConnected(_)), "{unreached:?}");

        let joined_now = reach::join(&namespace.cluster, &stranger.name).await.unwrap();
        let targets = [format!("{}:8080", joined_now.address), format!("{}:8080", joined_now.name)];
        let reached = namespace.dial(&pod, "30s", &targets).await;
        assert!(reached.iter().all(answered), "{reached:?}");

        joined.remove().await;
        stranger.remove().await;
        engine.docker().remove_network(&elsewhere).await.unwrap();
    });
}

pub(crate) fn stuck_namespace_is_reported_with_its_finalizer() {
    let cluster = shared();
    block_on(async {
        let labels = Labels::new(RunId::generate(), "kubernetes::network");
        let namespace = OwnNamespace::create(&cluster, &labels).await.unwrap();
        let name = namespace.name().to_owned();
        let held: ConfigMap =
            serde_json::from_value(json!({ "metadata": { "name": "held", "finalizers": ["hourglass.test/hold"] } }))
                .unwrap();
        let maps = namespace.api::<ConfigMap>();
        maps.create(&PostParams::default(), &held).await.unwrap();
        let stuck = namespace.remove(Duration::from_secs(12)).await.unwrap_err();
        let said = stuck.to_string();
        assert!(matches!(stuck, ClusterError::NamespaceStuck { .. }), "{said}");
        for part in [name.as_str(), "hourglass.test/hold in 1 resource instances", "configmaps"] {
            assert!(said.contains(part), "{part} is not told: {said}");
        }
        let free = json!({ "metadata": { "finalizers": null } });
        maps.patch("held", &PatchParams::default(), &Patch::Merge(free)).await.unwrap();
    });
}

pub(crate) fn namespaces_whose_owner_is_gone_are_swept_and_no_others() {
    let cluster = shared();
    block_on(async {
        let labels = Labels::new(RunId::generate(), "kubernetes::network");
        let gone = Owner { started: 1, ..Owner::current().unwrap() };
        let orphaned = Labels { owner: Some(gone), run: RunId::generate(), ..labels.clone() };
        let ours = OwnNamespace::create(&cluster, &labels).await.unwrap();
        let orphan = OwnNamespace::create(&cluster, &orphaned).await.unwrap().name().to_owned();
        let swept = sweep_namespaces(&cluster, WITHIN * 2).await.unwrap();
        let swept: Vec<_> = swept.into_iter().map(|swept| (swept.found.name, swept.removed.is_ok())).collect();
        assert_eq!(swept, [(orphan.clone(), true)]);
        let left: Vec<_> = namespaces_of_runs(&cluster).await.unwrap().into_iter().map(|found| found.name).collect();
        assert!(left.contains(&ours.name().to_owned()) && !left.contains(&orphan), "{left:?}");
        ours.remove(WITHIN).await.unwrap();
    });
}

pub(crate) fn doctor_finds_a_good_cluster_usable() {
    let cluster = shared();
    let cache = tempfile::tempdir().unwrap();
    let clusters = cluster.kubeconfig.ancestors().nth(2).unwrap();
    symlink(clusters, cache.path().join("clusters")).unwrap();
    let doctor = |arguments: &[&str]| {
        let mut command = Command::new(HARNESS);
        command.args(["doctor", "--json"]).args(arguments).env("HARNESS_CACHE", cache.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        let report: Value = serde_json::from_str(&said).map_err(|_| format!("{said}{complaint}")).unwrap();
        (output.status.code().unwrap(), report)
    };
    let (code, report) = doctor(&["--cluster", &cluster.name]);
    assert_eq!((code, &report["usable"]), (0, &json!(true)), "{report:#}");
    let schema = serde_json::from_str(include_str!("../../schema/cluster-doctor.json")).unwrap();
    jsonschema::validate(&schema, &report).map_err(|error| error.to_string()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    let all = "api-server namespace pods pod-address service-address service-name outside-address outside-name \
               network-policy port-forward node-port volumes clean-up";
    assert_eq!(names, all.split_whitespace().collect::<Vec<_>>(), "a hop was not tried");
    assert!(checks.iter().all(|check| check["verdict"] == "ok"), "{report:#}");

    // As an existing cluster, it gets no image from the harness.
    let (code, report) = doctor(&["--kubeconfig", cluster.kubeconfig.to_str().unwrap()]);
    let missing = report["checks"].as_array().unwrap().iter().find(|check| check["verdict"] == "missing").unwrap();
    assert_eq!((code, &missing["name"]), (3, &json!("image")), "{report:#}");
    assert!(missing["remedy"].as_str().unwrap().contains("--probe-image"), "{report:#}");
    assert!(fs::exists(clusters).unwrap());
    let left = block_on(namespaces_of_runs(&cluster)).unwrap();
    assert!(left.iter().all(|found| found.labels.trial != "doctor"), "{left:?}");
}

pub(crate) fn doctor_names_the_broken_hop() {
    let own = OwnCluster::create(&ClusterSpec::default());
    let cluster = Cluster::clone(&own);
    let checks = block_on(async {
        let deployments = Api::<Deployment>::namespaced(cluster.client.clone(), "kube-system");
        let none = json!({ "spec": { "replicas": 0 } });
        deployments.patch("coredns", &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
        Api::<Pod>::namespaced(cluster.client.clone(), "kube-system")
            .delete_collection(
                &DeleteParams::default().grace_period(0),
                &ListParams::default().labels("k8s-app=kube-dns"),
            )
            .await
            .unwrap();
        let classes = Api::<StorageClass>::all(cluster.client.clone());
        classes.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
        probe(&cluster, &ProbeImage::Components(HARNESS.into()), &CancellationToken::new()).await
    });
    let missing = |check: &&Check| check.verdict == Verdict::Missing;
    let names: Vec<_> = checks.iter().filter(missing).map(|check| check.name).collect();
    assert_eq!(names, ["service-name", "outside-name", "volumes"], "{checks:#?}");
    let first = checks.iter().find(missing).unwrap();
    assert!(first.finding.contains("is not resolved"), "{first:?}");
    let remedies = checks.iter().filter(missing).all(|check| check.remedy.is_some());
    assert!(remedies, "{checks:#?}");
}
