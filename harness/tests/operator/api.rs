//! The definition of `Performer`, and objects that must be accepted unchanged.

use std::collections::BTreeMap;

use hourglass_operator::{
    api::{Performer, PerformerStatus},
    crd::crd,
    status::{self, Observed},
};
use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp,
};
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, Patch},
    discovery::ApiResource,
};
use serde_json::{Value, json};

use crate::operator_namespace::{OperatorNamespace, block_on, example, shared, strict};

/// A definition that is not structural prunes nothing and defaults nothing.
pub(crate) fn the_definition_is_established_and_structural() {
    let cluster = shared();
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let found = block_on(definitions.get(&crd().name_any())).unwrap();
    let conditions = found.status.unwrap().conditions.unwrap();
    let conditions: BTreeMap<_, _> =
        conditions.iter().map(|condition| (condition.type_.as_str(), condition.status.as_str())).collect();
    assert_eq!((conditions.get("Established"), conditions.get("NamesAccepted")), (Some(&"True"), Some(&"True")));
    assert_ne!(conditions.get("NonStructuralSchema"), Some(&"True"));
}

/// Objects in the shapes that the public operator's users write, including every field of its types.
pub(crate) fn manifests_for_the_public_operator_apply_unchanged() {
    let namespace = OperatorNamespace::new();
    for spec in public_specs() {
        let written = json!({
            "apiVersion": "hourglass.eigenlayer.io/v1alpha1", "kind": "Performer",
            "metadata": {"name": "public", "labels": {"app": "hourglass-performer"}}, "spec": spec,
        });
        assert_kept(&namespace, &written);
        block_on(namespace.api::<Performer>().delete("public", &kube::api::DeleteParams::default())).unwrap();
    }
}

fn public_specs() -> Vec<Value> {
    let avs = "0xAbcdef1234567890abcdef1234567890abcdef12";
    let amounts = json!({"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "2"});
    vec![
        json!({"avsAddress": avs, "image": "avs:v1"}),
        json!({"avsAddress": avs, "image": "avs:v1", "imagePullPolicy": "Never", "version": "v1", "config": {}}),
        json!({"avsAddress": avs, "image": "avs:v1", "config": {
            "grpcPort": 8080,
            "environment": {"AVS_ADDRESS": avs, "GRPC_PORT": "8080", "EMPTY": "", "lower.case-name": "x"},
            "environmentFrom": [
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "avs", "key": "token"}}},
                {"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "avs", "key": "url", "optional": true}}},
            ],
            "args": ["--batch=32"], "command": ["/usr/bin/avs"], "serviceAccountName": "avs",
        }}),
        json!({"avsAddress": avs, "image": "avs:v1",
            "resources": {"requests": amounts, "limits": amounts},
            "scheduling": {
                "nodeSelector": {"accelerator": "a100", "node.kubernetes.io/instance-type": "p3.8xlarge"},
                "tolerations": [
                    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
                    {"operator": "Exists"},
                ],
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [
                            {"key": "nvidia.com/gpu.memory", "operator": "In", "values": ["40Gi", "80Gi"]},
                            {"key": "nvidia.com/gpu.present", "operator": "Exists"},
                        ]}]},
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {
                            "matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["c"]}],
                        }}],
                    },
                    "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
                        "topologyKey": "kubernetes.io/hostname", "namespaceSelector": {},
                        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
                    }]},
                },
                "runtimeClass": "nvidia", "priorityClassName": "high-priority",
            },
            "hardwareRequirements": {
                "gpuType": "nvidia-a100", "gpuCount": 2, "teeRequired": false, "teeType": "",
                "customLabels": {"gpu.memory": "40Gi", "gpu.interconnect": "nvlink"},
            },
            "imagePullSecrets": [{"name": "registry"}, {"name": "mirror"}],
        }),
        json!({"avsAddress": avs, "image": "avs:v1", "resources": {"requests": {"cpu": 1}}, "hardwareRequirements": {
            "teeRequired": true, "teeType": "sgx", "customLabels": {"sgx.intel.com/epc": "128Mi"},
        }}),
    ]
}

/// Users copy the examples of this project.
pub(crate) fn no_field_of_the_examples_is_lost() {
    let namespace = OperatorNamespace::new();
    for name in ["small", "full"] {
        assert_kept(&namespace, &example(name));
    }
}

/// Applies `written`, and fails unless a second read returns all of it, and the API types can read it.
fn assert_kept(namespace: &OperatorNamespace, written: &Value) {
    block_on(namespace.apply_performer(written)).unwrap_or_else(|error| panic!("{error}\n{written:#}"));
    let name = written["metadata"]["name"].as_str().unwrap();
    // Without the API types in between, which would drop fields that they do not know.
    let resource = ApiResource::erase::<Performer>(&());
    let objects = Api::<DynamicObject>::namespaced_with(namespace.cluster.client.clone(), namespace.name(), &resource);
    let read = block_on(objects.get(name)).unwrap();
    assert_contains(&read.data["spec"], &written["spec"], "spec");
}

fn assert_contains(whole: &Value, part: &Value, path: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, part) in part {
                let field = whole.get(name).unwrap_or_else(|| panic!("{path}.{name} is lost"));
                assert_contains(field, part, &format!("{path}.{name}"));
            }
        }
        _ => assert_eq!(whole, part, "{path}"),
    }
}

/// A missing default changes the meaning of old objects; a superfluous one appears in everybody's manifests.
pub(crate) fn defaults_are_where_they_are_intended() {
    let namespace = OperatorNamespace::new();
    let mut written = example("small");
    let read = block_on(namespace.apply_performer(&written)).unwrap();
    assert_eq!(serde_json::to_value(&read.spec).unwrap()["imagePullPolicy"], "IfNotPresent");
    assert_eq!((read.spec.config.as_ref(), read.grpc_port()), (None, 8080), "an object without config");
    written["spec"]["config"] = json!({});
    let read = block_on(namespace.apply_performer(&written)).unwrap();
    assert_eq!(read.spec.config.as_ref().and_then(|config| config.grpc_port), Some(9090));
    assert_eq!(read.grpc_port(), 9090, "an object whose config names no port");
}

/// Nobody sees a status that the API server refuses.
pub(crate) fn a_status_is_written_and_its_phases_are_those_of_the_api() {
    let namespace = OperatorNamespace::new();
    let performer = block_on(namespace.apply_performer(&example("small"))).unwrap();
    let observed = Observed {
        performer: &performer,
        deployment: None,
        pods: Vec::new(),
        endpoint_ready: false,
        refused: Some("no reason".to_owned()),
        now: Time(Timestamp::now()),
    };
    let performers = namespace.api::<Performer>();
    let write = |status: Value| {
        let object = json!({
            "apiVersion": "hourglass.eigenlayer.io/v1alpha1", "kind": "Performer",
            "metadata": {"name": "small"}, "status": status,
        });
        block_on(performers.patch_status("small", &strict(), &Patch::Apply(object)))
    };
    let computed = status::of(&observed);
    let written = write(serde_json::to_value(&computed).unwrap()).unwrap().status.unwrap();
    assert_eq!(
        PerformerStatus { conditions: Vec::new(), ..written.clone() },
        PerformerStatus { conditions: Vec::new(), ..computed.clone() }
    );
    let reasons = |status: &PerformerStatus| -> Vec<_> {
        status.conditions.iter().map(|condition| (condition.type_.clone(), condition.reason.clone())).collect()
    };
    assert_eq!(reasons(&written), reasons(&computed));

    let error = write(json!({"phase": "Succeeded"})).unwrap_err();
    assert!(error.to_string().contains("Unsupported value"), "{error}");
}
