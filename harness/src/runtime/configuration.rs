//! What the reference components are configured with, wherever they run: the public YAML keys, and ours beside them.

use std::path::Path;

use hourglass_component::{keys::EcdsaKey, text::escaped_json};
use hourglass_proto::contracts::addresses as at;
use serde_json::{Value, json};

use super::{AggregatorSpec, ExecutorSpec, RuntimeError};

/// The key of an executor's configuration that holds its port.
pub(super) const EXECUTOR_PORT_KEY: &str = "grpcPort";
/// The key of an aggregator's configuration that holds its port.
pub(super) const AGGREGATOR_PORT_KEY: &str = "managementServerGrpcPort";

/// An executor with one performer, whose keys besides AVS, type and environment are the runtime's.
pub(super) fn executor(spec: &ExecutorSpec, l1_url: &str, bind: &str, performer: Value) -> Value {
    let logs = [("LOG_FORMAT".to_owned(), "json".to_owned())];
    let environment = logs.into_iter().chain(spec.performer.environment.clone());
    let mut keeps = json!({
        "avsAddress": format!("{:?}", spec.avs),
        "processType": "server",
        "envs": environment.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
    });
    merge(&mut keeps, performer);
    json!({
        "logFormat": "json",
        "bindAddress": bind,
        "operator": operator(&spec.key),
        "l1Chain": { "rpcUrl": l1_url, "chainId": at::L1_CHAIN_ID },
        "avsPerformers": [keeps],
    })
}

/// The aggregator.
pub(super) fn aggregator(spec: &AggregatorSpec, l1_url: &str, l2_url: &str, bind: &str) -> Value {
    let chain = |name: &str, chain_id: u64, url: &str| json!({ "name": name, "chainId": chain_id, "rpcUrl": url, "pollIntervalSeconds": 1 });
    json!({
        "logFormat": "json",
        "bindAddress": bind,
        "operator": operator(&spec.key),
        "l1ChainId": at::L1_CHAIN_ID,
        "chains": [chain("l1", at::L1_CHAIN_ID, l1_url), chain("l2", at::L2_CHAIN_ID, l2_url)],
        "avss": [{ "address": format!("{:?}", spec.avs), "chainIds": [at::L1_CHAIN_ID, at::L2_CHAIN_ID] }],
    })
}

/// Puts the keys of one object over those of another.
pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Writes a configuration.
pub(super) fn write(path: &Path, config: &Value) -> Result<(), RuntimeError> {
    std::fs::write(path, document(config)).map_err(|source| RuntimeError::File { path: path.to_owned(), source })
}

/// JSON, which is YAML with every text in quotes: bare, an address or a key is a number to some readers of YAML.
pub(super) fn document(config: &Value) -> String {
    escaped_json(&format!("{config:#}\n")).into_owned()
}

/// The two keys of an image in an executor's configuration, which are joined by a colon again.
pub(super) fn repository_and_tag(image: &str) -> (&str, &str) {
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name..].rfind(':') {
        Some(colon) => (&image[..name + colon], &image[name + colon + 1..]),
        None => (image, "latest"),
    }
}

fn operator(key: &EcdsaKey) -> Value {
    json!({
        "address": format!("{:?}", key.address()),
        "operatorPrivateKey": { "privateKey": key.to_hex() },
        "signingKeys": { "ecdsa": { "privateKey": key.to_hex() } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards programs that read YAML 1.1, where a bare `0x10` is the number 16.
    #[test]
    fn texts_of_a_configuration_stay_texts() {
        let config = json!({ "operator": { "address": "0x10" }, "grpcPort": 0 });
        let written = document(&config);
        assert!(written.contains(r#""address": "0x10""#), "{written}");
    }

    #[rstest::rstest]
    #[case("performer", "performer", "latest")]
    #[case("performer:1.2", "performer", "1.2")]
    #[case("registry:5000/team/performer", "registry:5000/team/performer", "latest")]
    #[case("registry:5000/team/performer:1", "registry:5000/team/performer", "1")]
    #[case("team/performer@sha256:00ff", "team/performer@sha256", "00ff")]
    fn images_are_split_where_they_are_joined(#[case] image: &str, #[case] repository: &str, #[case] tag: &str) {
        assert_eq!(repository_and_tag(image), (repository, tag));
    }
}
