//! Clusters that others made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use hourglass_harness::{
    chain::AnvilSearch,
    cluster::{
        ClusterError, Existing, OperatorChoice,
        operator::{NAMESPACE, OperatorError, OperatorRelease, OperatorRequest, OperatorSource, remove_unused},
    },
    image::{NodeImage, PullPolicy, deliver_to_nodes},
};
use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::{Namespace, ServiceAccount},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, PostParams},
    discovery::{ApiGroup, Discovery, verbs},
};
use serde_json::Value;

use crate::{
    http_proxy::HttpProxy,
    operator::DEFINITION,
    operator_cluster::{GONE_WITHIN, HARNESS, OperatorCluster, block_on, clear_of_runs},
    refused::{definition, left},
};

/// Nothing may remain in an existing cluster, and the operator must stay while any trial uses it.
pub(crate) fn operator_is_installed_and_removed_with_its_users() {
    let cluster = OperatorCluster::take();
    let theirs = cluster.as_of_others();
    // The image was loaded onto the nodes by hand, and must not be pulled from a registry.
    let mut request = cluster.request();
    request.image.policy = theirs.pull_policy();
    assert_eq!(request.image.policy, PullPolicy::IfNotPresent);
    let used = block_on(OperatorRelease::ensure(&theirs, &request, &|_| {})).unwrap();
    assert_eq!(used.source, OperatorSource::Installed);
    assert!(!block_on(remove_unused(&theirs)).unwrap(), "it was removed from under a user");
    drop(used);
    let trial = cluster.namespace();
    assert!(!block_on(remove_unused(&theirs)).unwrap(), "it was removed from under a trial");
    block_on(trial.remove(GONE_WITHIN)).unwrap();
    assert!(block_on(remove_unused(&theirs)).unwrap());
    assert_eq!(left(&cluster), [""; 0]);
}

pub(crate) fn existing_operator_is_used_if_requested() {
    let cluster = OperatorCluster::take();
    let theirs = cluster.as_of_others();
    let request = OperatorRequest { choice: OperatorChoice::Existing, ..cluster.request() };
    let ensure = || block_on(OperatorRelease::ensure(&theirs, &request, &|_| {}));
    let error = ensure().unwrap_err();
    assert!(matches!(&error, OperatorError::None { reason, .. } if reason.contains(DEFINITION)), "{error:?}");
    let definitions = cluster.all::<CustomResourceDefinition>();
    block_on(definitions.create(&PostParams::default(), &definition("v2"))).unwrap();
    let error = ensure().unwrap_err();
    block_on(definitions.delete(DEFINITION, &DeleteParams::default())).unwrap();
    assert!(matches!(&error, OperatorError::Crd { reason, .. } if reason.contains("v2")), "{error:?}");
    // A working operator is used no matter who installed it.
    drop(block_on(OperatorRelease::ensure(&cluster.lease, &cluster.request(), &|_| {})).unwrap());
    let used = ensure().unwrap();
    assert_eq!((used.namespace.as_str(), used.source), (NAMESPACE, OperatorSource::Others));
}

/// A whole run, on nodes to which the images were loaded by hand.
pub(crate) fn run_leaves_an_existing_cluster_unchanged() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    let before = everything(&cluster);
    let said = square(&cluster, "install");
    assert_eq!(changed(&before, &everything(&cluster)), [""; 0], "{said}");
}

pub(crate) fn run_leaves_an_existing_operator_unchanged() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    drop(block_on(OperatorRelease::ensure(&cluster.lease, &cluster.request(), &|_| {})).unwrap());
    let before = everything(&cluster);
    let said = square(&cluster, "existing");
    // The namespace of the trial disappears a moment after its end.
    block_on(clear_of_runs(&cluster.lease));
    assert_eq!(changed(&before, &everything(&cluster)), [""; 0], "{said}");
}

/// The signal that a pod gets, and what ends with it, differ from clusters whose nodes the harness controls.
pub(crate) fn faults_without_node_access_work_in_existing_clusters() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/scenarios");
    let output = run(&cluster, "install", &["--scenarios", folder.to_str().unwrap(), "kubernetes::two_faults"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("PASS  kubernetes::two_faults"), "{said}");
}

pub(crate) fn scenarios_that_need_node_access_are_skipped_at_the_start() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    let before = everything(&cluster);
    let trials = ["kubernetes::executor_paused", "kubernetes::performer_cut_off", "kubernetes::operator_killed"];
    let output = run(&cluster, "install", &trials);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for expected in [
        "0 passed, 0 failed, 3 skipped",
        "executor_paused.yaml:16: `pause` stops processes",
        "`partition` ends open connections",
        "`kill_cluster_operator` touches what is not the trial's own",
        "others made cluster",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    assert_eq!(changed(&before, &everything(&cluster)), [""; 0]);
}

pub(crate) fn missing_rights_are_listed_before_anything_is_created() {
    let cluster = OperatorCluster::take();
    let namespace = cluster.namespace();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = of_nobody(&cluster, &namespace.api(), folder.path());
    let before = namespaces(&cluster);
    let output = harness(&["run", "square", "--runtime", "kubernetes", "--kubeconfig", kubeconfig.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in
        ["may not create namespaces", "nor create deployments.apps", "customresourcedefinitions", "remedy: "]
    {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    assert_eq!(namespaces(&cluster), before);
    block_on(namespace.remove(GONE_WITHIN)).unwrap();
}

pub(crate) fn lost_api_server_is_noticed() {
    let cluster = OperatorCluster::take();
    let theirs = cluster.as_of_others();
    let node = block_on(cluster.lease.nodes()).unwrap().remove(0);
    let docker = cluster.lease.machine.as_ref().unwrap().engine.docker();
    let (error, took) = block_on(async {
        docker.pause_container(&node.container).await.unwrap();
        let began = Instant::now();
        let lost = tokio::time::timeout(Duration::from_mins(2), theirs.lost()).await;
        docker.unpause_container(&node.container).await.unwrap();
        (lost, began.elapsed())
    });
    let error = error.unwrap();
    assert!(matches!(error, ClusterError::Lost { .. }), "{error:?}");
    assert!(error.remedy().unwrap().contains("harness gc"), "{error}");
    assert!(took < Duration::from_mins(1), "noticed after {took:?}");
}

/// Some companies have clusters behind a proxy. Watches and calls use the same proxy.
pub(crate) fn a_cluster_is_reached_through_the_proxy_of_its_kubeconfig() {
    let cluster = OperatorCluster::take();
    let proxy = HttpProxy::start();
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(&cluster.lease.kubeconfig).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&text).unwrap();
    let cluster = &mut kubeconfig["clusters"][0]["cluster"];
    cluster["proxy-url"] = format!("http://{}", proxy.authority()).into();
    let server = cluster["server"].as_str().unwrap().trim_start_matches("https://").to_owned();
    let path = folder.path().join("kubeconfig");
    fs::write(&path, serde_yaml::to_string(&kubeconfig).unwrap()).unwrap();
    let cluster = block_on(Existing::new(Some(path), None).connect(&|_| {})).unwrap();
    let listed = block_on(Api::<Namespace>::all(cluster.client.clone()).list(&ListParams::default())).unwrap();
    assert!(!listed.items.is_empty());
    assert_eq!(proxy.asked().first(), Some(&format!("CONNECT {server} HTTP/1.1")));
}

pub(crate) fn harness(arguments: &[&str]) -> Output {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut command = Command::new(HARNESS);
    command.args(arguments).env("HARNESS_SCENARIOS", scenarios);
    command.env_remove("KUBECONFIG").env_remove("GITHUB_ACTIONS").output().unwrap()
}

/// Runs the smallest trial in the cluster by its kubeconfig; returns the output of the harness.
#[track_caller]
fn square(cluster: &OperatorCluster, operator: &str) -> String {
    let output = run(cluster, operator, &["kubernetes::square"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("PASS  kubernetes::square"), "{said}");
    said
}

/// Runs trials in the cluster by its kubeconfig; `words` select them.
fn run(cluster: &OperatorCluster, operator: &str, words: &[&str]) -> Output {
    let kubeconfig = cluster.lease.kubeconfig.to_str().unwrap();
    harness(&[&["run", "--operator", operator, "--kubeconfig", kubeconfig], words].concat())
}

pub(crate) fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

pub(crate) fn give_anvil(cluster: &OperatorCluster) {
    block_on(async {
        let anvil = AnvilSearch::default().find_or_install(|_| {}).await.unwrap();
        let nodes = cluster.lease.nodes().await.unwrap();
        let engine = &cluster.lease.machine.as_ref().unwrap().engine;
        deliver_to_nodes(engine, &nodes, &[NodeImage::anvil(anvil.path)]).await.unwrap();
    });
}

/// All objects of a cluster, with the fields that a client could have written. Events are left out, because everything
/// causes them.
fn everything(cluster: &OperatorCluster) -> BTreeSet<String> {
    block_on(async {
        let client = &cluster.lease.client;
        let discovered = Discovery::new(client.clone()).run_aggregated().await.unwrap();
        let kinds = discovered.groups().flat_map(ApiGroup::recommended_resources);
        let kinds = kinds.filter(|(kind, can)| can.supports_operation(verbs::LIST) && kind.kind != "Event");
        let mut all = BTreeSet::new();
        for (kind, _) in kinds {
            let api = Api::<DynamicObject>::all_with(client.clone(), &kind);
            let listed = match api.list(&ListParams::default()).await {
                // Discovery lists a kind for a moment after its definition has gone.
                Err(kube::Error::Api(status)) if status.code == 404 => continue,
                listed => listed.unwrap(),
            };
            for object in listed {
                let full_name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
                let (uid, labels, finalizers) = (object.uid(), object.labels(), object.finalizers());
                all.insert(format!("{} {full_name} {uid:?} {labels:?} {finalizers:?}", kind.plural));
            }
        }
        all
    })
}

/// The objects that were removed and added.
fn changed(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let gone = before.difference(after).map(|entry| format!("- {entry}"));
    gone.chain(after.difference(before).map(|entry| format!("+ {entry}"))).collect()
}

fn namespaces(cluster: &OperatorCluster) -> Vec<String> {
    let listed = block_on(cluster.all::<Namespace>().list(&ListParams::default())).unwrap();
    listed.items.iter().map(ResourceExt::name_any).collect()
}

/// The kubeconfig of a user without rights.
fn of_nobody(cluster: &OperatorCluster, accounts: &Api<ServiceAccount>, folder: &Path) -> PathBuf {
    let spec = TokenRequestSpec { audiences: Vec::new(), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let answer = block_on(accounts.create_token_request("default", &PostParams::default(), &request)).unwrap();
    let text = fs::read_to_string(&cluster.lease.kubeconfig).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&text).unwrap();
    kubeconfig["users"][0]["user"] = serde_json::json!({ "token": answer.status.unwrap().token });
    let path = folder.join("kubeconfig");
    fs::write(&path, serde_yaml::to_string(&kubeconfig).unwrap()).unwrap();
    path
}
