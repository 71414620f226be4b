//! The definition that clusters get: current, structural, and with the intended rules and defaults.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

use std::path::Path;

use hourglass_operator::{api::Performer, crd};
use serde_json::{Map, Value, json};

const FILE: &str = "charts/hourglass-operator/files/crd.yaml";

/// The chart installs the file: it must equal the definition of the types.
#[test]
fn the_committed_definition_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let renew = format!("cargo run -p hourglass-operator -- crd > operator/{FILE}");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == crd::yaml().unwrap(), "{FILE} is stale; renew it: {renew}");
}

/// The API server refuses a schema that is not structural. A format that it does not know causes a warning at every
/// `kubectl apply`.
#[test]
fn the_schema_is_structural() {
    let mut nodes = 0;
    walk(&schema(), "", &mut |node, path| {
        nodes += 1;
        let typed = node.contains_key("type") || node.get("x-kubernetes-int-or-string") == Some(&json!(true));
        assert!(typed, "{path} has no type");
        for word in ["$ref", "anyOf", "oneOf", "allOf", "not"] {
            assert!(!node.contains_key(word), "{path} has {word}");
        }
        let both = node.contains_key("properties") && node.contains_key("additionalProperties");
        assert!(!both, "{path} has properties and additionalProperties");
        if let Some(format) = node.get("format").and_then(Value::as_str) {
            assert!(["int32", "int64", "date-time"].contains(&format), "{path} has the format {format}");
        }
    });
    assert!(nodes > 100, "{nodes} nodes");
}

/// A default appears in every object that is written from now on: none may be accidental.
#[test]
fn defaults_are_the_intended_ones() {
    let mut defaults = Map::new();
    walk(&schema(), "", &mut |node, path| {
        if let Some(default) = node.get("default") {
            defaults.insert(path.to_owned(), default.clone());
        }
    });
    let expected = json!({
        ".spec.config.grpcPort": 9090,
        ".spec.hardwareRequirements.teeRequired": false,
        ".spec.imagePullPolicy": "IfNotPresent",
        ".status.phase": "Pending",
        ".status.ready": false,
    });
    assert_eq!(Value::Object(defaults), expected);
}

/// Rules that are lost on the way to the file refuse nothing.
#[test]
fn rules_stand_where_they_are_meant() {
    let mut rules = Vec::new();
    walk(&schema(), "", &mut |node, path| {
        for rule in node.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
            rules.push(format!("{path}: {}", rule["message"].as_str().unwrap()));
        }
    });
    rules.sort();
    insta::assert_snapshot!(rules.join("\n"));
}

/// Words and columns of `kubectl get performers`.
#[test]
fn names_and_columns() {
    let crd = serde_json::to_value(crd::crd()).unwrap();
    let version = &crd["spec"]["versions"][0];
    let columns: Vec<&str> = version["additionalPrinterColumns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(columns, ["AVS", "Image", "Version", "Phase", "Ready", "Endpoint", "Age"]);
    assert_eq!(version["subresources"], json!({"status": {}}));
    assert_eq!(
        (&version["served"], &version["storage"], &version["name"]),
        (&json!(true), &json!(true), &json!("v1alpha1"))
    );
    assert_eq!(crd["spec"]["names"]["shortNames"], json!(["perf"]));
    assert_eq!(crd["spec"]["scope"], "Namespaced");
}

/// The operator does not see fields that the types do not read back.
#[test]
fn the_types_keep_every_field_of_the_examples() {
    for text in [include_str!("../examples/small.yaml"), include_str!("../examples/full.yaml")] {
        let written: Value = serde_yaml::from_str(text).unwrap();
        let performer: Performer = serde_yaml::from_str(text).unwrap();
        let read = serde_json::to_value(&performer).unwrap();
        assert_kept(&written, &read, "");
    }
}

/// An object that the public operator left behind must not stop the watch of all others.
#[test]
fn statuses_of_the_public_operator_are_read() {
    let object = json!({
        "apiVersion": "hourglass.eigenlayer.io/v1alpha1", "kind": "Performer", "metadata": {"name": "old"},
        "spec": {"avsAddress": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "image": "avs:v1"},
        "status": {
            "phase": "Running", "ready": true, "podName": "performer-old", "serviceName": "performer-old",
            "grpcEndpoint": "performer-old.default.svc.cluster.local", "readyTime": "2026-01-01T00:00:00Z",
        },
    });
    let performer: Performer = serde_json::from_value(object).unwrap();
    assert!(performer.status.unwrap().conditions.is_empty());
}

fn schema() -> Value {
    let mut crd = serde_json::to_value(crd::crd()).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}

fn walk(node: &Value, path: &str, visit: &mut impl FnMut(&Map<String, Value>, &str)) {
    let node = node.as_object().unwrap();
    visit(node, path);
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    for (word, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(node) = node.get(word) {
            walk(node, &format!("{path}{suffix}"), visit);
        }
    }
}

fn assert_kept(written: &Value, read: &Value, path: &str) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (name, field) in written {
                let kept = read.get(name).unwrap_or_else(|| panic!("{path}.{name} is lost"));
                assert_kept(field, kept, &format!("{path}.{name}"));
            }
        }
        // Quantities are strings.
        (Value::Number(number), Value::String(text)) => assert_eq!(&number.to_string(), text, "{path}"),
        _ => assert_eq!(written, read, "{path}"),
    }
}
