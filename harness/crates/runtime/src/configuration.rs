//! The configuration of the reference components on every runtime: the public YAML keys, and the harness's own in
//! addition.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hourglass_base::private;
use hourglass_component::{
    keys::{Address, EcdsaKey},
    text::escaped_json,
    variables::FILES_DIR,
};
use hourglass_proto::contracts::addresses as at;
use hourglass_scenario::ComponentRef;
use serde_json::{Value, json};

use super::{AggregatorSpec, ExecutorSpec, PerformerSpec, RuntimeError};

/// The key of an executor's configuration that holds its port.
pub(super) const EXECUTOR_PORT_KEY: &str = "grpcPort";
/// The key of an aggregator's configuration that holds its port.
pub(super) const AGGREGATOR_PORT_KEY: &str = "managementServerGrpcPort";

/// The key of a section that holds a private key.
const PRIVATE_KEY: &str = "privateKey";
/// Replaces a key once nothing reads the configuration any more.
const HIDDEN: &str = "(left out)";

/// The URLs of both chains, for components where they run.
#[derive(Debug, Clone)]
pub(super) struct ChainUrls {
    pub l1: String,
    pub l2: String,
}

/// What a runtime adds to the configuration of a performer.
pub(super) struct PerformerKeys {
    /// The folder that has its files, at their absolute paths.
    pub files: PathBuf,
    /// The keys other than AVS, type and environment.
    pub keys: Value,
}

/// An executor with its performers, to which the runtime adds these, in the order of the performers.
pub(super) fn executor(spec: &ExecutorSpec, chains: &ChainUrls, bind: &str, performers: Vec<PerformerKeys>) -> Value {
    let keeps = spec.performers.iter().zip(performers).map(|(performer, PerformerKeys { files, keys })| {
        let mut environment = performer_environment(spec, performer, chains);
        if !performer.performer.files.is_empty() {
            environment.insert(FILES_DIR.to_owned(), files.to_string_lossy().into_owned());
        }
        let mut keeps = json!({
            "avsAddress": format!("{:?}", performer.avs),
            "processType": "server",
            "envs": environment.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        });
        if let Some(key) = other_key(&performer.signing_key, &spec.key) {
            keeps["signingKey"] = key;
        }
        if let Some(port) = performer.performer.port {
            keeps["port"] = port.into();
        }
        merge(&mut keeps, keys);
        keeps
    });
    json!({
        "logFormat": "json",
        "bindAddress": bind,
        "authentication": authentication(),
        "operator": operator(&spec.key),
        "l1Chain": { "rpcUrl": chains.l1, "chainId": at::L1_CHAIN_ID },
        "avsPerformers": keeps.collect::<Vec<_>>(),
    })
}

/// The variables of a performer: those that projects made from the public template expect, over which the scenario's
/// prevail, and the format of its log.
fn performer_environment(
    spec: &ExecutorSpec,
    performer: &PerformerSpec,
    chains: &ChainUrls,
) -> BTreeMap<String, String> {
    let public = [
        ("L1_RPC_URL", chains.l1.clone()),
        ("L2_RPC_URL", chains.l2.clone()),
        ("TASK_MAILBOX", format!("{:?}", at::TASK_MAILBOX)),
        ("TASK_AVS_REGISTRAR", format!("{:?}", performer.registrar)),
    ];
    let mut environment: BTreeMap<_, _> = public.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let contracts = spec.contracts.iter().map(|(name, address)| (name.to_uppercase(), format!("{address:?}")));
    environment.extend(contracts);
    environment.extend(performer.performer.environment.clone());
    environment.insert("LOG_FORMAT".to_owned(), "json".to_owned());
    environment
}

/// The aggregator.
pub(super) fn aggregator(spec: &AggregatorSpec, l1_url: &str, l2_url: &str, bind: &str) -> Value {
    let avs = |(address, signing_key): &(Address, EcdsaKey)| {
        let mut avs = json!({ "address": format!("{address:?}"), "chainIds": [at::L1_CHAIN_ID, at::L2_CHAIN_ID] });
        if let Some(key) = other_key(signing_key, &spec.key) {
            avs["signingKey"] = key;
        }
        avs
    };
    let chain = |name: &str, chain_id: u64, url: &str| json!({ "name": name, "chainId": chain_id, "rpcUrl": url, "pollIntervalSeconds": 1 });
    json!({
        "logFormat": "json",
        "bindAddress": bind,
        "authentication": authentication(),
        "operator": operator(&spec.key),
        "l1ChainId": at::L1_CHAIN_ID,
        "chains": [chain("l1", at::L1_CHAIN_ID, l1_url), chain("l2", at::L2_CHAIN_ID, l2_url)],
        "avss": spec.avss.iter().map(avs).collect::<Vec<_>>(),
    })
}

/// Copies the keys of one object into another.
pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// The path of a component's configuration in the trial's folder.
pub(super) fn path(folder: &Path, component: &ComponentRef) -> PathBuf {
    folder.join(format!("{}.yaml", component.file_name()))
}

/// Writes a configuration for its component to read.
pub(super) fn write(path: &Path, config: &Value) -> Result<(), RuntimeError> {
    private::write(path, document(config)).map_err(|source| RuntimeError::File { path: path.to_owned(), source })
}

/// Writes a configuration without its keys, so that the trial's folder shows what a component was started with.
pub(super) fn show(path: &Path, config: &Value) -> Result<(), RuntimeError> {
    let mut shown = config.clone();
    hide_keys(&mut shown);
    write(path, &shown)
}

/// Removes the keys from a written configuration, once its component has ended.
pub(super) fn forget_keys(path: &Path) {
    let config = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    if config.is_none_or(|config| show(path, &config).is_err()) {
        // No file is better than a key.
        let _ = std::fs::remove_file(path);
    }
}

/// Removes the keys from a configuration; the names of their owners stay.
fn hide_keys(value: &mut Value) {
    match value {
        Value::Object(section) => {
            for (key, value) in section {
                if key == PRIVATE_KEY {
                    *value = HIDDEN.into();
                }
                hide_keys(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_keys),
        _ => {}
    }
}

/// JSON, which is YAML with every string in quotes: some YAML readers take an unquoted address or key for a number.
pub(super) fn document(config: &Value) -> String {
    escaped_json(&format!("{config:#}\n")).into_owned()
}

/// The two keys for an image in an executor's configuration; the executor joins them with a colon.
pub(super) fn repository_and_tag(image: &str) -> (&str, &str) {
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name..].rfind(':') {
        Some(colon) => (&image[..name + colon], &image[name + colon + 1..]),
        None => (image, "latest"),
    }
}

/// Every user of the machine can connect to loopback, and a management service starts programs.
fn authentication() -> Value {
    json!({ "enabled": true })
}

/// The section of a signing key that is not the operator's own. The public programs have one key for all AVSs, and no such
/// section.
fn other_key(signing_key: &EcdsaKey, own: &EcdsaKey) -> Option<Value> {
    (signing_key.address() != own.address()).then(|| json!({ PRIVATE_KEY: signing_key.to_hex() }))
}

fn operator(key: &EcdsaKey) -> Value {
    json!({
        "address": format!("{:?}", key.address()),
        "operatorPrivateKey": { PRIVATE_KEY: key.to_hex() },
        "signingKeys": { "ecdsa": { PRIVATE_KEY: key.to_hex() } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects programs that read YAML 1.1, where an unquoted `0x10` is the number 16.
    #[test]
    fn strings_of_a_configuration_stay_strings() {
        let config = json!({ "operator": { "address": "0x10" }, "grpcPort": 0 });
        let written = document(&config);
        assert!(written.contains(r#""address": "0x10""#), "{written}");
    }

    /// Folders of failed trials are kept, and shared.
    #[test]
    fn a_shown_configuration_has_no_keys() {
        let key = EcdsaKey::from_hex(&"07".repeat(32)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = json!({ "operator": operator(&key), "grpcPort": 1 });
        let path = path(folder.path(), &ComponentRef::Aggregator);
        write(&path, &config).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains(&"07".repeat(32)), "the component reads it");
        forget_keys(&path);
        let shown = std::fs::read_to_string(path).unwrap();
        assert!(!shown.contains(&"07".repeat(32)), "{shown}");
        assert!(shown.contains(&format!("{:?}", key.address())) && shown.contains("\"grpcPort\": 1"), "{shown}");
    }

    #[rstest::rstest]
    #[case("performer", "performer", "latest")]
    #[case("performer:1.2", "performer", "1.2")]
    #[case("registry:5000/team/performer", "registry:5000/team/performer", "latest")]
    #[case("registry:5000/team/performer:1", "registry:5000/team/performer", "1")]
    #[case("team/performer@sha256:00ff", "team/performer@sha256", "00ff")]
    fn image_names_are_split_where_executors_join_them(
        #[case] image: &str,
        #[case] repository: &str,
        #[case] tag: &str,
    ) {
        assert_eq!(repository_and_tag(image), (repository, tag));
    }
}
