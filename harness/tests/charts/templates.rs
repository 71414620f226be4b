//! The objects that Helm renders of the charts.

use std::fs;

use hourglass_executor::ExecutorConfig;
use hourglass_operator::OperatorConfig;
use k8s_openapi::ByteString;
use serde_yaml::{Mapping, Value};

use crate::helm::{Chart, helm, objects, only, text, values};

pub(crate) fn charts_pass_helm_lint() {
    let cases = [
        (Chart::Operator, None),
        (Chart::Operator, Some("operator-full")),
        (Chart::Operator, Some("operator-namespaces")),
        (Chart::Executor, None),
        (Chart::Executor, Some("executor-two")),
        (Chart::Executor, Some("executor-full")),
        (Chart::Executor, Some("executor-own-files")),
    ];
    for (chart, file) in cases {
        let mut command = helm(["lint", "--strict"]);
        let output = command.arg(chart.folder()).args(file.map(values)).output().unwrap();
        assert!(output.status.success(), "{chart:?} {file:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
}

pub(crate) fn operator_with_default_values() {
    insta::assert_snapshot!("operator", shown(Chart::Operator, &[]));
}

pub(crate) fn operator_with_all_values() {
    insta::assert_snapshot!("operator_full", shown(Chart::Operator, &[&values("operator-full")]));
}

pub(crate) fn the_operator_for_two_namespaces() {
    insta::assert_snapshot!("operator_namespaces", shown(Chart::Operator, &[&values("operator-namespaces")]));
}

pub(crate) fn two_executors() {
    insta::assert_snapshot!("executor_two", shown(Chart::Executor, &[&values("executor-two")]));
}

pub(crate) fn executors_with_everything() {
    insta::assert_snapshot!("executor_full", shown(Chart::Executor, &[&values("executor-full")]));
}

pub(crate) fn executors_with_files_of_the_users() {
    insta::assert_snapshot!("executor_own_files", shown(Chart::Executor, &[&values("executor-own-files")]));
}

/// Components read their files once: without a changed annotation, a user's change would have no effect.
pub(crate) fn pods_are_replaced_when_their_configuration_changes() {
    let template = |chart, kind, arguments: &[&str]| only(&objects(chart, arguments), kind)["spec"]["template"].clone();
    let operator = |arguments: &[&str]| template(Chart::Operator, "Deployment", arguments);
    assert_ne!(operator(&[]), operator(&["--set=config.logLevel=debug"]));
    assert_eq!(operator(&[]), operator(&["--set=metrics.service.annotations.a=b"]), "nothing of it is the pod's");
    let two = values("executor-two");
    let executor = |more: &str| template(Chart::Executor, "StatefulSet", &[&two, more]);
    let same = executor("--set=service.annotations.a=b");
    assert_ne!(same, executor("--set=executors[1].operator.address=0x4444444444444444444444444444444444444444"));
    assert_eq!(same, executor("--set=service.annotations.a=c"), "nothing of it is the pod's");
}

/// Without this policy, Helm removes an object with its release, and the API server removes all Performers with their
/// definition.
pub(crate) fn definition_outlives_releases() {
    let objects = objects(Chart::Operator, &[]);
    let definition = only(&objects, "CustomResourceDefinition");
    assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    assert_eq!(definition["metadata"]["name"], "performers.hourglass.eigenlayer.io");
    assert!(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].is_mapping());
}

/// Otherwise Helm would refuse the second release, or remove objects of the first that both releases claim.
pub(crate) fn releases_of_one_name_in_two_namespaces_share_nothing() {
    let names = |namespace: &str| -> Vec<String> {
        let rendered = objects(Chart::Operator, &["--set=crds.install=false", "--namespace", namespace]);
        let without = rendered.iter().filter(|object| object["metadata"].get("namespace").is_none());
        without.map(|object| format!("{:?} {:?}", object["kind"], object["metadata"]["name"])).collect()
    };
    let (first, second) = (names("first"), names("second"));
    assert_eq!(first.len(), 2, "a ClusterRole and its binding: {first:?}");
    assert!(first.iter().all(|name| !second.contains(name)), "{first:?}");
}

/// Otherwise only a pod that ends at once would show a key that a component does not know or a value that it cannot
/// read.
pub(crate) fn components_accept_their_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    for arguments in [vec![], vec![values("operator-full")], vec![values("operator-namespaces")]] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let rendered = objects(Chart::Operator, &arguments);
        let text = only(&rendered, "ConfigMap")["data"]["operator.yaml"].as_str().unwrap();
        let config = OperatorConfig::load(&file("operator.yaml", text)).unwrap();
        let port = config.metrics_bind_address.unwrap().port();
        assert_eq!(only(&rendered, "Service")["spec"]["ports"][0]["port"], port, "{config:?}");
    }
    let rendered = objects(Chart::Executor, &[&values("executor-two")]);
    for (ordinal, chain_id) in [(0, 31337), (1, 11_155_111)] {
        let name = format!("executor-{ordinal}.yaml");
        let (_, text) = readable((Value::Null, only(&rendered, "Secret")["data"][name.as_str()].clone()));
        let config = ExecutorConfig::open(&file(&name, text.as_str().unwrap())).unwrap();
        assert_eq!(config.l1_chain.chain_id, chain_id, "its own counts more than what is common");
        assert_eq!(config.l1_chain.rpc_url, "http://l1.example.invalid:8545", "what is common is there");
        assert_eq!(config.kubernetes.unwrap().namespace, "place");
    }
}

/// All objects in one order and notation, independent of Helm's, without parts that change with the code.
#[track_caller]
fn shown(chart: Chart, arguments: &[&str]) -> String {
    let mut objects = objects(chart, arguments);
    objects.sort_by_key(|object| {
        ["kind", "namespace", "name"].map(|key| match key {
            "kind" => object[key].as_str().unwrap_or_default().to_owned(),
            _ => object["metadata"][key].as_str().unwrap_or_default().to_owned(),
        })
    });
    let shown = objects.into_iter().map(|mut object| {
        if object["kind"] == "CustomResourceDefinition" {
            object["spec"] = "…".into();
        }
        if object["kind"] == "Secret" {
            let data = object.get("data").and_then(Value::as_mapping).cloned().unwrap_or_default();
            object["data"] = Value::Mapping(data.into_iter().map(readable).collect::<Mapping>());
        }
        let place = ["spec", "template", "metadata", "annotations", "checksum/config"];
        if let Some(checksum) = place.iter().try_fold(&mut object, |value, key| value.get_mut(*key)) {
            assert_eq!(checksum.as_str().map(str::len), Some(64));
            *checksum = "…".into();
        }
        serde_yaml::to_string(&object).unwrap()
    });
    shown.collect::<Vec<_>>().join("---\n")
}

fn readable((name, value): (Value, Value)) -> (Value, Value) {
    let ByteString(bytes) = serde_yaml::from_value(value).unwrap();
    (name, text(&bytes).into())
}
