//! What components are configured with: the public YAML keys, and ours for processes.

use std::time::Duration;

use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::addresses as at;
use serde_json::{Value, json};

use super::component::{Launch, free_port};
use crate::{
    runtime::{AggregatorSpec, ExecutorSpec, HarnessExecutable, RuntimeError},
    scenario::{Component, ComponentRef},
};

/// How long a reference component may take to be ready.
const REFERENCE_READY_WITHIN: Duration = Duration::from_secs(30);
/// The same for a program of the user's: the public executor looks at its performer for the first time after 15 seconds
/// and gives it a minute.
const REPLACED_READY_WITHIN: Duration = Duration::from_secs(75);

/// How an executor with its performer is started.
pub(super) fn executor(
    spec: &ExecutorSpec,
    l1_url: &str,
    executable: &HarnessExecutable,
) -> Result<Launch, RuntimeError> {
    let component = ComponentRef::Executor(spec.name.clone());
    let performer = command(&ComponentRef::Performer(spec.name.clone()), &spec.performer, executable, "performer")?;
    let logs = [("LOG_FORMAT".to_owned(), "json".to_owned())];
    let environment = logs.into_iter().chain(spec.performer.environment.clone());
    let config = json!({
        "logFormat": "json",
        "bindAddress": "127.0.0.1",
        "grpcPort": 0,
        "operator": operator(&spec.key),
        "l1Chain": { "rpcUrl": l1_url, "chainId": at::L1_CHAIN_ID },
        "avsPerformers": [{
            "avsAddress": format!("{:?}", spec.avs),
            "processType": "server",
            "deploymentMode": "process",
            "command": performer,
            "envs": environment.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        }],
    });
    launch(component, &spec.executor, config, "grpcPort", executable, "executor")
}

/// How the aggregator is started.
pub(super) fn aggregator(
    spec: &AggregatorSpec,
    l1_url: &str,
    l2_url: &str,
    executable: &HarnessExecutable,
) -> Result<Launch, RuntimeError> {
    let chain = |name: &str, chain_id: u64, url: &str| json!({ "name": name, "chainId": chain_id, "rpcUrl": url, "pollIntervalSeconds": 1 });
    let config = json!({
        "logFormat": "json",
        "bindAddress": "127.0.0.1",
        "managementServerGrpcPort": 0,
        "operator": operator(&spec.key),
        "l1ChainId": at::L1_CHAIN_ID,
        "chains": [chain("l1", at::L1_CHAIN_ID, l1_url), chain("l2", at::L2_CHAIN_ID, l2_url)],
        "avss": [{ "address": format!("{:?}", spec.avs), "chainIds": [at::L1_CHAIN_ID, at::L2_CHAIN_ID] }],
    });
    let replaced = &spec.aggregator;
    launch(ComponentRef::Aggregator, replaced, config, "managementServerGrpcPort", executable, "aggregator")
}

fn launch(
    component: ComponentRef,
    replacement: &Component,
    config: Value,
    port_key: &'static str,
    executable: &HarnessExecutable,
    role: &str,
) -> Result<Launch, RuntimeError> {
    let command = command(&component, replacement, executable, role)?;
    // A program of the user's does not say where it listens.
    let (port, ready_within) =
        if replacement.command.is_some() { (free_port()?, REPLACED_READY_WITHIN) } else { (0, REFERENCE_READY_WITHIN) };
    let environment = replacement.environment.clone().into_iter().collect();
    Ok(Launch { component, command, environment, config, port_key, port, ready_within })
}

/// The user's command, else the reference component in our own executable.
fn command(
    component: &ComponentRef,
    replacement: &Component,
    executable: &HarnessExecutable,
    role: &str,
) -> Result<Vec<String>, RuntimeError> {
    if let Some(command) = &replacement.command {
        return Ok(command.clone());
    }
    if let Some(image) = &replacement.image {
        return Err(RuntimeError::Unsupported {
            runtime: "process",
            reason: format!(
                "{component} is given as image {image:?} only; give it a `command` too, or run the scenario with another \
                 runtime"
            ),
        });
    }
    Ok(vec![executable.0.display().to_string(), "component".to_owned(), role.to_owned()])
}

fn operator(key: &EcdsaKey) -> Value {
    json!({
        "address": format!("{:?}", key.address()),
        "operatorPrivateKey": { "privateKey": key.to_hex() },
        "signingKeys": { "ecdsa": { "privateKey": key.to_hex() } },
    })
}
