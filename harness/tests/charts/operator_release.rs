//! The life of a release of the operator.

use std::{fs, path::Path, time::Instant};

use hourglass_operator::api::Performer;
use hourglass_test_support::block_on;
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod, policy::v1::PodDisruptionBudget},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::{DeleteParams, EvictParams, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use serde_yaml::Value;
use tempfile::TempDir;

use crate::{
    helm::Chart,
    pods::{stuck, until_connects},
    release_namespace::{ReleaseNamespace, identity, left, own_cluster, until, until_gone},
};

const DEFINITION: &str = "performers.hourglass.eigenlayer.io";
const NAME: &str = "op-hourglass-operator";

/// The guarantees of every installation: the operator is available after each step, its policy and its budget are in
/// force, an upgrade that cannot start leaves the operator that can, and neither the definition nor a Performer is
/// removed with the release.
pub(crate) fn installed_upgraded_rolled_back_and_uninstalled() {
    let cluster = own_cluster();
    let (namespace, avs) = (ReleaseNamespace::of(&cluster), ReleaseNamespace::of(&cluster));
    let deployments = || namespace.api::<Deployment>();

    let began = Instant::now();
    let from = |key: &str| {
        let labels = json!({ "matchLabels": { key: avs.name() } });
        format!("--set-json=networkPolicy.metrics.from={}", json!([{ "namespaceSelector": labels }]))
    };
    let known = from("kubernetes.io/metadata.name");
    let budget = "--set=podDisruptionBudget.enabled=true,podDisruptionBudget.maxUnavailable=null";
    let least = "--set=podDisruptionBudget.minAvailable=1";
    let values = ["--set=args={operator}", "--set=networkPolicy.enabled=true", &known, budget, least];
    let older = older();
    namespace.release_of(older.path(), "install", "op", &values);
    let first = until(&deployments(), NAME, "rolled out", is_rolled_out);
    eprintln!("the operator was available {:.1?} after `helm install` began", began.elapsed());
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let definition = until(&definitions, DEFINITION, "established", is_established);
    assert!(columns(&definition).is_empty(), "the definition is not the older one");
    let performer = perform(&avs, "first");
    let pod = performer.status.as_ref().and_then(|status| status.pod_name.clone()).unwrap();
    let metrics = format!("{NAME}-metrics.{}.svc.cluster.local:8080", namespace.name());
    until_connects(&avs, &pod, &metrics, true);
    let served = block_on(avs.api::<Pod>().get(&pod)).unwrap().status.and_then(|status| status.pod_ip).unwrap();
    let operator = only_pod(&namespace);
    // An operator does not need it, so that the policy does not name it.
    until_connects(&namespace, &operator, &format!("{served}:8080"), false);
    assert!(!may_be_evicted(&namespace, 1, 0), "the only operator may go");

    let unknown = from("nobody");
    let values = ["--reuse-values", "--set=config.logLevel=debug", "--set=replicas=2", &unknown];
    namespace.release("upgrade", "op", Chart::Operator, &values);
    let second = until(&deployments(), NAME, "rolled out anew", |it| is_rolled_out(it) && it.spec != first.spec);
    let upgraded = until(&definitions, DEFINITION, "of the newer release", |it| !columns(it).is_empty());
    assert_eq!(identity(&upgraded), identity(&definition), "all Performers went with the older one");
    assert!(may_be_evicted(&namespace, 2, 1), "neither of two operators may go");
    until_connects(&avs, &pod, &metrics, false);

    namespace.release("upgrade", "op", Chart::Operator, &["--reuse-values", "--set-string=image.tag=none"]);
    until(&deployments(), NAME, "told of the image that is not there", |it| it.spec != second.spec && is_observed(it));
    stuck(&namespace, "ErrImageNeverPull");
    let meanwhile = block_on(deployments().get(NAME)).unwrap();
    assert!(is_available(&meanwhile), "the operator that can run was taken away: {:#?}", meanwhile.status);
    namespace.helm(["rollback", "op"]);
    let third = until(&deployments(), NAME, "rolled back", is_rolled_out);
    assert_eq!(template(&third), template(&second));
    let another = perform(&avs, "another");

    let manifest = namespace.manifest("op");
    assert!(manifest.len() > 8, "{manifest:#?}");
    namespace.helm(["uninstall", "op", "--wait"]);
    assert_eq!(left(&namespace, &manifest), [format!("CustomResourceDefinition {DEFINITION}")]);
    assert_eq!(identity(&block_on(definitions.get(DEFINITION)).unwrap()), identity(&definition));
    for known in [&performer, &another] {
        let still = block_on(avs.api::<Performer>().get(&known.name_any())).unwrap();
        assert_eq!(identity(&still), identity(known));
        let deployment = block_on(avs.api::<Deployment>().get(&known.object_name())).unwrap();
        assert!(is_available(&deployment), "it served, and no operator is needed for that: {:#?}", deployment.status);
    }

    // The next release takes over what remained, and completes the requests made meanwhile.
    block_on(avs.api::<Performer>().delete("first", &DeleteParams::default())).unwrap();
    namespace.release("install", "op", Chart::Operator, &["--set=args={operator}"]);
    until(&deployments(), NAME, "rolled out again", is_rolled_out);
    block_on(avs.api::<Performer>().delete("another", &DeleteParams::default())).unwrap();
    for name in ["first", "another"] {
        until_gone(avs.api::<Performer>(), name);
    }
    namespace.helm(["uninstall", "op", "--wait"]);
    block_on(definitions.delete(DEFINITION, &DeleteParams::default())).unwrap();
    until_gone(definitions, DEFINITION);
}

/// An older variant of the chart: its definition shows less of a Performer.
fn older() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&Chart::Operator.folder(), folder.path());
    let path = folder.path().join("files/crd.yaml");
    let mut definition: Value = serde_yaml::from_slice(&fs::read(&path).unwrap()).unwrap();
    definition["spec"]["versions"][0].as_mapping_mut().unwrap().remove("additionalPrinterColumns").unwrap();
    fs::write(path, serde_yaml::to_string(&definition).unwrap()).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The columns of a list of Performers, except for their age.
fn columns(definition: &CustomResourceDefinition) -> Vec<&str> {
    let columns = definition.spec.versions[0].additional_printer_columns.iter().flatten();
    columns.map(|column| column.name.as_str()).filter(|name| *name != "Age").collect()
}

/// Creates a Performer and waits until it serves.
pub(crate) fn perform(namespace: &ReleaseNamespace, name: &str) -> Performer {
    let performers = namespace.api::<Performer>();
    block_on(performers.create(&PostParams::default(), &performer(namespace, name))).unwrap();
    let ready = |it: &Performer| it.status.as_ref().is_some_and(|status| status.ready);
    until(&performers, name, "ready", ready)
}

/// A Performer with the components' image.
pub(crate) fn performer(namespace: &ReleaseNamespace, name: &str) -> Performer {
    serde_json::from_value(json!({
        "apiVersion": "hourglass.eigenlayer.io/v1alpha1",
        "kind": "Performer",
        "metadata": { "name": name },
        "spec": {
            "avsAddress": "0x2222222222222222222222222222222222222222",
            "image": namespace.image(),
            "imagePullPolicy": "Never",
            "config": { "grpcPort": 8080 },
        },
    }))
    .unwrap()
}

/// The only pod of a namespace.
fn only_pod(namespace: &ReleaseNamespace) -> String {
    let pods = block_on(namespace.api::<Pod>().list(&ListParams::default())).unwrap();
    let [pod] = &pods.items[..] else { panic!("not one pod: {pods:#?}") };
    pod.name_any()
}

/// Whether a drain of its node could evict a pod of the operator, once the budget counts as many healthy and as many
/// allowed.
fn may_be_evicted(namespace: &ReleaseNamespace, healthy: i32, allowed: i32) -> bool {
    until(&namespace.api::<PodDisruptionBudget>(), NAME, "up to date", |budget| {
        let status = budget.status.as_ref();
        status.is_some_and(|status| {
            let counts = [status.current_healthy, status.disruptions_allowed];
            counts == [healthy, allowed] && status.observed_generation == budget.metadata.generation
        })
    });
    let pods =
        block_on(namespace.api::<Pod>().list(&ListParams::default().labels("app.kubernetes.io/component=operator")));
    let pod = pods.unwrap().items.iter().find(|pod| pod.metadata.deletion_timestamp.is_none()).unwrap().name_any();
    let mut eviction = EvictParams::default();
    eviction.post_options.dry_run = true;
    let evicting =
        async { Api::<Pod>::namespaced(told_at_once(namespace).await, namespace.name()).evict(&pod, &eviction).await };
    match block_on(evicting) {
        Ok(_) => true,
        Err(kube::Error::Api(status)) if status.code == 429 => false,
        Err(error) => panic!("{pod} is not evicted: {error}"),
    }
}

/// A client that does not retry after "too many requests", the answer with which a budget refuses an eviction.
async fn told_at_once(namespace: &ReleaseNamespace) -> Client {
    let kubeconfig = Kubeconfig::read_from(&namespace.cluster.kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

pub(crate) fn is_rolled_out(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    let Some(status) = deployment.status.as_ref().filter(|_| is_observed(deployment)) else { return false };
    let counts = [status.replicas, status.updated_replicas, status.available_replicas];
    counts.into_iter().all(|count| count.unwrap_or_default() == wanted.unwrap_or(1))
}

fn is_observed(deployment: &Deployment) -> bool {
    deployment.status.as_ref().and_then(|status| status.observed_generation) == deployment.metadata.generation
}

fn is_available(deployment: &Deployment) -> bool {
    let conditions = deployment.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Available" && condition.status == "True")
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Established" && condition.status == "True")
}

fn template(deployment: &Deployment) -> Option<&k8s_openapi::api::core::v1::PodTemplateSpec> {
    deployment.spec.as_ref().map(|spec| &spec.template)
}
