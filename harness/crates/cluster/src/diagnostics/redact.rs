//! Removes secrets from objects.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// Repeats the whole object as it was applied, with every value that is removed elsewhere.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)secret|token|passw|passphrase|mnemonic|credential|(private|api|access|signing)[-_.]?key").ok()
});

/// Removes the values of Secrets, values whose name suggests a secret (in environments, command lines and
/// `ConfigMap`s), and Kubernetes' record of who wrote which field. Names and sizes stay.
pub(super) fn redact(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    for field in ["data", "stringData", "binaryData"] {
        let Some(data) = object.get_mut(field).and_then(Value::as_object_mut) else { continue };
        match (kind.as_str(), field) {
            ("Secret", "data") => hide(data, |_| true, decoded_size),
            ("Secret", _) => hide(data, |_| true, str::len),
            ("ConfigMap", "binaryData") => hide(data, is_secret, decoded_size),
            ("ConfigMap", _) => hide(data, is_secret, str::len),
            _ => {}
        }
    }
    walk(object);
}

fn hide(data: &mut Map<String, Value>, which: impl Fn(&str) -> bool, size: impl Fn(&str) -> usize) {
    for (_, value) in data.iter_mut().filter(|(key, _)| which(key)) {
        *value = hidden(size(value.as_str().unwrap_or_default()));
    }
}

fn hidden(size: usize) -> Value {
    Value::String(format!("[redacted: {size} bytes]"))
}

/// The size of the decoded data.
fn decoded_size(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

/// The pattern is constant and always compiles; without it every value would count as a secret.
fn is_secret(name: &str) -> bool {
    SECRET_NAME.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

/// Environments and command lines may be anywhere: in pods, in templates of pods, in custom resources.
fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("env", Value::Array(variables)) => variables.iter_mut().for_each(variable),
                    ("args" | "command", Value::Array(words)) => command_line(words),
                    (_, field) => walk(field),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(walk),
        _ => {}
    }
}

fn variable(variable: &mut Value) {
    let secret = variable.get("name").and_then(Value::as_str).is_some_and(is_secret);
    if let Some(value) = variable.get_mut("value").filter(|_| secret) {
        *value = hidden(value.as_str().unwrap_or_default().len());
    }
}

/// `--private-key=0x…` and `--private-key 0x…`.
fn command_line(words: &mut [Value]) {
    let mut hide_next = false;
    for word in words {
        let Some(text) = word.as_str() else { continue };
        let flag = text.strip_prefix('-').filter(|_| !text.contains(char::is_whitespace));
        match flag.map(|flag| flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)))) {
            Some((name, Some(value))) if is_secret(name) => {
                *word = Value::String(format!("-{name}=[redacted: {} bytes]", value.len()));
                hide_next = false;
            }
            Some((name, value)) => hide_next = value.is_none() && is_secret(name),
            None if hide_next => {
                *word = hidden(text.len());
                hide_next = false;
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redacted(mut object: Value) -> Value {
        redact(&mut object);
        object
    }

    #[test]
    fn secrets_keep_only_keys_and_sizes() {
        let applied = r#"{"kind":"Secret","data":{"key":"aHVudGVyMg=="}}"#;
        let secret = json!({
            "kind": "Secret",
            "metadata": {
                "name": "s",
                "annotations": { LAST_APPLIED: applied, "of": "mine" },
                "managedFields": [{ "manager": "kubectl" }],
            },
            "data": { "key": "aHVudGVyMg==" },
            "stringData": { "other": "hunter2" },
        });
        assert_eq!(
            redacted(secret),
            json!({
                "kind": "Secret",
                "metadata": { "name": "s", "annotations": { "of": "mine" } },
                "data": { "key": "[redacted: 7 bytes]" },
                "stringData": { "other": "[redacted: 7 bytes]" },
            })
        );
    }

    #[test]
    fn config_map_values_named_like_secrets_are_removed() {
        let map = json!({ "kind": "ConfigMap", "data": { "port": "1", "operator-private-key": "0x12" } });
        let data = json!({ "port": "1", "operator-private-key": "[redacted: 4 bytes]" });
        assert_eq!(redacted(map)["data"], data);
    }

    /// An executor's key is in its environment or on its command line, at any depth of its pod's template.
    #[test]
    fn secrets_in_environment_and_command_line_are_removed() {
        let container = json!({
            "env": [
                { "name": "OPERATOR_PRIVATE_KEY", "value": "0x1234" },
                { "name": "RPC", "value": "http://l1" },
                { "name": "API_TOKEN", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
            ],
            "command": ["performer", "--port", "80", "--private-key=0x1234"],
            "args": ["--password", "hunter2", "plain", "--token-file=/var/t"],
        });
        let deployment =
            json!({ "kind": "Deployment", "spec": { "template": { "spec": { "containers": [container] } } } });
        assert_eq!(
            redacted(deployment)["spec"]["template"]["spec"]["containers"][0],
            json!({
                "env": [
                    { "name": "OPERATOR_PRIVATE_KEY", "value": "[redacted: 6 bytes]" },
                    { "name": "RPC", "value": "http://l1" },
                    { "name": "API_TOKEN", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
                ],
                "command": ["performer", "--port", "80", "--private-key=[redacted: 6 bytes]"],
                "args": ["--password", "[redacted: 7 bytes]", "plain", "--token-file=[redacted: 6 bytes]"],
            })
        );
    }
}
