//! Causes that prevent the operator's installation: each is reported with its remedy, nothing of the harness is left,
//! and objects of others stay unchanged.

use std::time::{Duration, Instant};

use hourglass_harness::cluster::{
    PodImage,
    operator::{NAMESPACE, OperatorError, OperatorRelease, OperatorRequest},
};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Namespace, rbac::v1::ClusterRole},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;

use crate::{
    operator::DEFINITION,
    operator_cluster::{GONE_WITHIN, OperatorCluster, block_on},
};

/// The error of an operator that cannot be installed. Asserts that nothing of it is left.
#[track_caller]
fn refused(cluster: &OperatorCluster, request: &OperatorRequest, remedy: &str) -> OperatorError {
    let theirs = cluster.as_of_others();
    let error = block_on(OperatorRelease::ensure(&theirs, request, &|_| {})).unwrap_err();
    assert_eq!(left(cluster), [""; 0], "something of ours is left after {error}");
    assert!(error.remedy().is_some_and(|text| text.contains(remedy)), "{error}: {:?}", error.remedy());
    error
}

/// The names of the objects of the harness's operator in a cluster.
pub(crate) fn left(cluster: &OperatorCluster) -> Vec<String> {
    block_on(async {
        let namespace = cluster.all::<Namespace>().get_opt(NAMESPACE).await.unwrap();
        let ours = |labels: &std::collections::BTreeMap<String, String>| labels.contains_key("hourglass-harness/part");
        let namespace = namespace.filter(|namespace| ours(namespace.labels()));
        let of_helm = ListParams::default().labels("app.kubernetes.io/managed-by=Helm");
        let roles = cluster.all::<ClusterRole>().list(&of_helm).await.unwrap().items;
        let definitions = cluster.all::<CustomResourceDefinition>().list(&of_helm).await.unwrap().items;
        let names = namespace.iter().map(ResourceExt::name_any);
        let names = names.chain(roles.iter().map(ResourceExt::name_any));
        names.chain(definitions.iter().map(ResourceExt::name_any)).collect()
    })
}

pub(crate) fn an_image_that_no_node_has_is_named_within_seconds() {
    let cluster = OperatorCluster::take();
    let reference = "hourglass-harness-test/not-there:v1".to_owned();
    let image = PodImage { reference: reference.clone(), ..cluster.image.clone() };
    let began = Instant::now();
    let error = refused(&cluster, &OperatorRequest { image, ..cluster.request() }, "run again");
    assert!(matches!(&error, OperatorError::Image { image, .. } if *image == reference), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(30), "named after {:?}", began.elapsed());
}

pub(crate) fn foreign_operator_is_left_alone() {
    let cluster = OperatorCluster::take();
    let namespace = cluster.namespace();
    let api = namespace.api::<Deployment>();
    block_on(api.create(&PostParams::default(), &operator_of_others())).unwrap();
    let error = refused(&cluster, &cluster.request(), "--operator existing");
    let their_name = format!("{}/theirs", namespace.name());
    assert!(matches!(&error, OperatorError::Other { found, .. } if *found == their_name), "{error:?}");
    block_on(api.get("theirs")).unwrap();
    block_on(namespace.remove(GONE_WITHIN)).unwrap();
}

pub(crate) fn foreign_definition_is_left_alone() {
    let cluster = OperatorCluster::take();
    let definitions = cluster.all::<CustomResourceDefinition>();
    block_on(definitions.create(&PostParams::default(), &definition("v1beta1"))).unwrap();
    let error = refused(&cluster, &cluster.request(), "--operator existing");
    block_on(definitions.delete(DEFINITION, &DeleteParams::default())).unwrap();
    assert!(matches!(&error, OperatorError::Crd { reason, .. } if reason.contains("version v1beta1")), "{error:?}");
}

pub(crate) fn foreign_namespace_is_left_alone() {
    let cluster = OperatorCluster::take();
    let namespaces = cluster.all::<Namespace>();
    let theirs = serde_json::from_value(json!({ "metadata": { "name": NAMESPACE } })).unwrap();
    block_on(namespaces.create(&PostParams::default(), &theirs)).unwrap();
    let error = refused(&cluster, &cluster.request(), "--operator existing");
    let there = block_on(namespaces.get(NAMESPACE));
    block_on(namespaces.delete(NAMESPACE, &DeleteParams::default())).unwrap();
    assert!(matches!(error, OperatorError::NamespaceTaken { .. }), "{error:?}");
    assert!(there.is_ok_and(|namespace| namespace.metadata.deletion_timestamp.is_none()), "it was removed");
}

/// A Deployment that looks like an operator to users and to the harness. It runs no pod.
pub(crate) fn operator_of_others() -> Deployment {
    let labels = json!({ "app.kubernetes.io/name": "hourglass-operator" });
    let pod = json!({ "containers": [{ "name": "operator", "image": "theirs:v1", "imagePullPolicy": "Never" }] });
    serde_json::from_value(json!({
        "metadata": { "name": "theirs", "labels": labels },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    }))
    .unwrap()
}

/// A definition of Performer in one version.
pub(crate) fn definition(version: &str) -> CustomResourceDefinition {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    serde_json::from_value(json!({
        "metadata": { "name": DEFINITION },
        "spec": {
            "group": "hourglass.eigenlayer.io",
            "scope": "Namespaced",
            "names": { "kind": "Performer", "plural": "performers", "singular": "performer" },
            "versions": [{ "name": version, "served": true, "storage": true, "schema": schema }],
        },
    }))
    .unwrap()
}
