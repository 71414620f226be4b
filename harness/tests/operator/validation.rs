//! The objects that the API server refuses, with the messages that users read.

use hourglass_operator::api::LONGEST_NAME;
use serde_json::{Value, json};

use crate::operator_namespace::{OperatorNamespace, block_on, example};

/// A rule that never refuses anything has no effect.
pub(crate) fn invalid_performers_are_refused_with_the_reason() {
    let namespace = OperatorNamespace::new();
    let cases = [
        ("/metadata/name", json!("a".repeat(LONGEST_NAME + 1)), "53 characters at most"),
        ("/metadata/name", json!("a.b"), "lowercase letters, digits and hyphens"),
        ("/spec/avsAddress", json!("0x12"), "spec.avsAddress"),
        ("/spec/avsAddress", json!("70997970C51812dc3A010C7d01b50e0d17dc79C8"), "spec.avsAddress"),
        ("/spec/avsAddress", Value::Null, "spec.avsAddress"),
        ("/spec/image", json!(""), "spec.image"),
        ("/spec/imagePullPolicy", json!("Sometimes"), "Unsupported value"),
        ("/spec/config/grpcPort", json!(0), "spec.config.grpcPort"),
        ("/spec/config/grpcPort", json!(65536), "spec.config.grpcPort"),
        ("/spec/config/environment", json!({"MODEL": "x"}), "either in environment or in environmentFrom"),
        (
            "/spec/config/environmentFrom",
            json!([{"name": "A", "valueFrom": {}}]),
            "exactly one of secretKeyRef and configMapKeyRef",
        ),
        (
            "/spec/config/environmentFrom",
            json!([{"name": "A", "valueFrom": {
                "secretKeyRef": {"name": "a", "key": "a"}, "configMapKeyRef": {"name": "a", "key": "a"},
            }}]),
            "exactly one of secretKeyRef and configMapKeyRef",
        ),
        (
            "/spec/config/environmentFrom",
            json!([
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a"}}},
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "b", "key": "b"}}},
            ]),
            "duplicate entries for key [name=\"A\"]",
        ),
        (
            "/spec/hardwareRequirements/customLabels",
            json!({"kubernetes.io/arch": "arm64"}),
            "scheduling.nodeSelector and hardwareRequirements.customLabels contradict each other",
        ),
        ("/spec/hardwareRequirements/gpuCount", json!(-1), "spec.hardwareRequirements.gpuCount"),
        ("/spec/hardwareRequirements/gpuType", json!("a/100"), "spec.hardwareRequirements.gpuType"),
        ("/spec/files", json!([{"path": "etc/a", "secretKeyRef": {"name": "a", "key": "a"}}]), "spec.files[0].path"),
        ("/spec/files", json!([{"path": "/etc/a"}]), "spec.files[0].secretKeyRef"),
        (
            "/spec/files",
            json!([
                {"path": "/etc/a", "secretKeyRef": {"name": "a", "key": "a"}},
                {"path": "/etc/a", "secretKeyRef": {"name": "b", "key": "b"}},
            ]),
            "duplicate entries for key [path=\"/etc/a\"]",
        ),
        ("/spec/config/enviroment", json!({}), "enviroment"),
    ];
    for (pointer, value, message) in cases {
        let mut written = example("full");
        set(&mut written, pointer, value.clone());
        let Err(error) = block_on(namespace.apply_performer(&written)) else { panic!("{pointer} = {value} is taken") };
        assert!(error.to_string().contains(message), "{pointer} = {value}: {error}");
    }
}

/// Finds limits that are one too low, and rules that cost more than the API server allows.
pub(crate) fn longest_names_and_lists_are_accepted() {
    let namespace = OperatorNamespace::new();
    let mut written = example("full");
    set(&mut written, "/metadata/name", json!("9".repeat(LONGEST_NAME)));
    let from = |number| {
        let key = json!({"name": "a".repeat(253), "key": "k".repeat(253)});
        json!({"name": format!("V{number}{}", "x".repeat(200)), "valueFrom": {"secretKeyRef": key}})
    };
    set(&mut written, "/spec/config/environmentFrom", (0..256).map(from).collect());
    let environment: serde_json::Map<String, Value> =
        (0..2000).map(|number| (format!("E{number}{}", "x".repeat(200)), json!("v".repeat(200)))).collect();
    set(&mut written, "/spec/config/environment", environment.into());
    let labels: serde_json::Map<String, Value> =
        (0..64).map(|number| (format!("example.com/{number}"), json!("v".repeat(63)))).collect();
    set(&mut written, "/spec/scheduling/nodeSelector", labels.clone().into());
    set(&mut written, "/spec/hardwareRequirements/customLabels", labels.into());
    block_on(namespace.apply_performer(&written)).unwrap();
}

/// Pods of one AVS must not become those of another under the same name.
pub(crate) fn the_avs_cannot_be_changed() {
    let namespace = OperatorNamespace::new();
    let mut written = example("small");
    block_on(namespace.apply_performer(&written)).unwrap();
    set(&mut written, "/spec/image", json!("registry.example/adder:2.0.0"));
    block_on(namespace.apply_performer(&written)).unwrap();
    set(&mut written, "/spec/avsAddress", json!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"));
    let error = block_on(namespace.apply_performer(&written)).unwrap_err();
    assert!(error.to_string().contains("avsAddress cannot be changed"), "{error}");
}

/// Sets a value at a pointer whose last word may be new; null removes it.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(last);
    } else {
        parent.insert(last.to_owned(), value);
    }
}
