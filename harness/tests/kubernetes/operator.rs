//! The operator in a cluster of the harness.

use std::{
    pin::pin,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use hourglass_harness::{
    cluster::{
        Tool,
        helm::{Chart, Helm, Release},
        operator::{NAME, NAMESPACE, OperatorRelease, OperatorRequest, OperatorSource},
    },
    image::PullPolicy,
};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde_json::json;
use tokio::time::timeout;

use crate::operator_cluster::{OperatorCluster, block_on};

pub(crate) const DEFINITION: &str = "performers.hourglass.eigenlayer.io";

fn ensure(cluster: &OperatorCluster, request: &OperatorRequest) -> OperatorRelease {
    block_on(OperatorRelease::ensure(&cluster.lease, request, &|_| {})).unwrap()
}

fn deployments(cluster: &OperatorCluster) -> Api<Deployment> {
    Api::namespaced(cluster.lease.client.clone(), NAMESPACE)
}

/// Trials start every second: all but the first must find it at once.
pub(crate) fn operator_is_installed_once_and_then_found() {
    let cluster = OperatorCluster::take();
    let first = ensure(&cluster, &cluster.request());
    assert_eq!(first.source, OperatorSource::Installed);
    let definition = block_on(cluster.all::<CustomResourceDefinition>().get(DEFINITION)).unwrap();
    let conditions = definition.status.and_then(|status| status.conditions).unwrap_or_default();
    assert!(conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True"));
    let status = block_on(deployments(&cluster).get(NAME)).unwrap().status.unwrap();
    assert_eq!((status.available_replicas, status.replicas), (Some(1), Some(1)));
    let began = Instant::now();
    let second = ensure(&cluster, &cluster.request());
    assert_eq!(second.source, OperatorSource::Warm);
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?} to find it", began.elapsed());
}

/// A trial that scales the operator down must not take it from the next trial.
pub(crate) fn scaled_down_operator_is_restored() {
    let cluster = OperatorCluster::take();
    let alone = OperatorRequest { alone: true, ..cluster.request() };
    let used = ensure(&cluster, &alone);
    let none = Patch::Merge(json!({ "spec": { "replicas": 0 } }));
    block_on(deployments(&cluster).patch(NAME, &PatchParams::default(), &none)).unwrap();
    drop(used);
    assert_eq!(ensure(&cluster, &cluster.request()).source, OperatorSource::Installed);
    let status = block_on(deployments(&cluster).get(NAME)).unwrap().status.unwrap();
    assert_eq!(status.available_replicas, Some(1));
}

pub(crate) fn operator_in_use_is_not_replaced() {
    let cluster = OperatorCluster::take();
    let used = ensure(&cluster, &cluster.request());
    let mut other = cluster.request();
    other.image.policy = PullPolicy::IfNotPresent;
    let told = Mutex::new(Vec::new());
    let progress = |text: &str| told.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    let generation = || block_on(deployments(&cluster).get(NAME)).unwrap().metadata.generation;
    let before = generation();
    let waits = block_on(async {
        timeout(Duration::from_secs(2), OperatorRelease::ensure(&cluster.lease, &other, &progress)).await
    });
    assert!(waits.is_err(), "it was replaced while it was used");
    assert_eq!(*told.lock().unwrap(), ["waiting for trials that use the operator"]);
    assert_eq!(generation(), before);
    drop(used);
    assert_eq!(ensure(&cluster, &other).source, OperatorSource::Installed);
    assert_ne!(generation(), before);
}

/// Helm refuses a release whose Helm was killed until somebody repairs it.
pub(crate) fn a_killed_installation_is_taken_over() {
    let cluster = OperatorCluster::take();
    // The release has its namespace, and nothing else.
    let namespace = ensure(&cluster, &cluster.request());
    let helm = block_on(Helm::of(&cluster.lease)).unwrap();
    let release = Release {
        name: NAME.to_owned(),
        namespace: NAMESPACE.to_owned(),
        chart: Chart::OPERATOR.unpack().unwrap(),
        values: json!({}),
    };
    block_on(release.uninstall(&helm)).unwrap();
    drop(namespace);
    let program = block_on(Tool::HELM.check()).unwrap().path;
    let mut killed = Command::new(program)
        .args(["install", NAME, "--wait", "--namespace", NAMESPACE, "--kubeconfig"])
        .arg(&cluster.lease.kubeconfig)
        .args(["--set", "image.repository=never", "--set", "image.pullPolicy=Never"])
        .arg(&release.chart)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    block_on(recorded(&cluster));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(block_on(release.status(&helm)).unwrap().unwrap().is_pending());
    assert_eq!(ensure(&cluster, &cluster.request()).source, OperatorSource::Installed);
    assert!(!block_on(release.status(&helm)).unwrap().unwrap().is_pending());
}

/// Waits until Helm has begun.
async fn recorded(cluster: &OperatorCluster) {
    let secrets = Api::<Secret>::namespaced(cluster.lease.client.clone(), NAMESPACE);
    let pending = watcher::Config::default().labels(&format!("owner=helm,name={NAME},status=pending-install"));
    let mut records = pin!(watcher(secrets, pending).default_backoff().applied_objects());
    let first = async { while !matches!(records.next().await, Some(Ok(_))) {} };
    timeout(Duration::from_secs(30), first).await.unwrap();
}
