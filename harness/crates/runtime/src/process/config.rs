//! The configuration of components: the public YAML keys, and the harness's own for processes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hourglass_component::{keys::EcdsaKey, ports::ReservedPort};
use hourglass_scenario::{Component, ComponentRef};
use serde_json::{Value, json};

use super::component::Launch;
use crate::{
    AggregatorSpec, ExecutorSpec, HarnessExecutable, RuntimeError,
    configuration::{self, AGGREGATOR_PORT_KEY, ChainUrls, EXECUTOR_PORT_KEY, PerformerKeys},
    performers::ConfiguredPerformer,
};

/// Only this machine reaches what runs as a process.
const LOOPBACK: &str = "127.0.0.1";
/// How long a performer may take until it is healthy: its executor gives up then, and reports what it saw.
const PERFORMER_READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a reference component may take to be ready: an executor waits for its performer.
const REFERENCE_READY_WITHIN: Duration = Duration::from_secs(40);
/// The same for a user's program: the public executor checks its performer for the first time after 15 seconds and
/// gives it a minute.
const REPLACED_READY_WITHIN: Duration = Duration::from_secs(75);

/// Where a performer's output goes, and the folder below which its files are.
pub(super) struct PerformerPlaces {
    pub(super) output: PathBuf,
    pub(super) files: PathBuf,
}

/// The launch of an executor with its performers, whose outputs go to these files and whose files are below these folders.
pub(super) fn executor(
    spec: &ExecutorSpec,
    chains: &ChainUrls,
    executable: &HarnessExecutable,
    places: Vec<PerformerPlaces>,
) -> Result<Launch, RuntimeError> {
    let component = ComponentRef::Executor(spec.name.clone());
    let performers = spec.performers.iter().zip(&places).map(|(performer, places)| {
        let keys = if let Some(address) = &performer.performer.address {
            json!({ "deploymentMode": "process", "address": address })
        } else {
            let component = ComponentRef::Performer(performer.name.clone());
            let command = command(&component, &performer.performer, executable, "performer")?;
            json!({ "deploymentMode": "process", "command": command, "outputFile": places.output })
        };
        Ok(PerformerKeys { files: places.files.clone(), keys })
    });
    let performers = performers.collect::<Result<_, RuntimeError>>()?;
    let mut config = configuration::executor(spec, chains, LOOPBACK, performers);
    let within = humantime::format_duration(PERFORMER_READY_WITHIN).to_string();
    configuration::merge(&mut config, json!({ "deployTimeout": within }));
    let launch = launch(component, &spec.key, &spec.executor, config, EXECUTOR_PORT_KEY, executable)?;
    let outputs = places.into_iter().map(|places| places.output);
    let performers = ConfiguredPerformer::all(spec).into_iter().zip(outputs).collect();
    Ok(Launch { performers, ..launch })
}

/// The launch of the aggregator.
pub(super) fn aggregator(
    spec: &AggregatorSpec,
    l1_url: &str,
    l2_url: &str,
    executable: &HarnessExecutable,
) -> Result<Launch, RuntimeError> {
    let config = configuration::aggregator(spec, l1_url, l2_url, LOOPBACK);
    let replaced = &spec.aggregator;
    launch(ComponentRef::Aggregator, &spec.key, replaced, config, AGGREGATOR_PORT_KEY, executable)
}

fn launch(
    component: ComponentRef,
    key: &EcdsaKey,
    replacement: &Component,
    config: Value,
    port_key: &'static str,
    executable: &HarnessExecutable,
) -> Result<Launch, RuntimeError> {
    let role = if component == ComponentRef::Aggregator { "aggregator" } else { "executor" };
    let command = command(&component, replacement, executable, role)?;
    // A user's program does not report where it listens.
    let (reserved, ready_within) = if replacement.command.is_some() {
        (Some(ReservedPort::reserve().map_err(RuntimeError::Port)?), REPLACED_READY_WITHIN)
    } else {
        (None, REFERENCE_READY_WITHIN)
    };
    let port = reserved.as_ref().map_or(0, |reserved| reserved.endpoint().port());
    let environment = replacement.environment.clone().into_iter().collect();
    let key = key.clone();
    Ok(Launch {
        component,
        command,
        environment,
        key,
        config,
        port_key,
        port,
        _reserved: reserved.map(Arc::new),
        performers: Vec::new(),
        ready_within,
    })
}

/// The user's command, else the reference component in the harness executable.
fn command(
    component: &ComponentRef,
    replacement: &Component,
    executable: &HarnessExecutable,
    role: &str,
) -> Result<Vec<String>, RuntimeError> {
    if let Some(command) = &replacement.command {
        return Ok(command.clone());
    }
    let image = replacement.image.as_deref().or_else(|| replacement.build.as_ref()?.context.to_str());
    if let Some(image) = image {
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
