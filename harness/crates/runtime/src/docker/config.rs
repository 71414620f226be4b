//! The configuration of components that run as containers.

use std::time::Duration;

use hourglass_component::keys::EcdsaKey;
use hourglass_reaper::COMPONENT_LABEL;
use hourglass_scenario::{Component, ComponentLimits, ComponentRef};
use serde_json::{Value, json};

use super::{DockerImages, container::Launch, context::DockerContext, socket::EngineSocket, upload};
use crate::{
    AggregatorSpec, ExecutorSpec, PerformerSpec, RuntimeError,
    configuration::{self, AGGREGATOR_PORT_KEY, ChainUrls, EXECUTOR_PORT_KEY, PerformerKeys},
    performer_files,
    performers::ConfiguredPerformer,
};

/// A container has an address of its own, so its ports cannot conflict.
const EVERYWHERE: &str = "0.0.0.0";
const EXECUTOR_PORT: u16 = 9090;
const AGGREGATOR_PORT: u16 = 9010;
/// How long a reference component may take to be ready: an executor gives its performer a minute, and then reports
/// itself what it saw.
const REFERENCE_READY_WITHIN: Duration = Duration::from_secs(75);
/// The same for a user's image: the public executor checks its performer for the first time after 15 seconds and gives
/// it a minute.
const REPLACED_READY_WITHIN: Duration = Duration::from_secs(90);

/// The launch of an executor, which starts its performers itself.
pub(super) fn executor(
    spec: &ExecutorSpec,
    chains: &ChainUrls,
    images: &DockerImages,
    context: &DockerContext,
) -> Result<Launch, RuntimeError> {
    let component = ComponentRef::Executor(spec.name.clone());
    let mut uploaded = Vec::new();
    let performers = spec.performers.iter().map(|keeps| {
        let PerformerSpec { name, performer, .. } = keeps;
        let image = images.own.of_performer(performer).unwrap_or(&images.components);
        let (repository, tag) = configuration::repository_and_tag(image);
        let limits = performer.limits(ComponentLimits::PERFORMER);
        let component = ComponentRef::Performer(name.clone()).to_string();
        let files = performer_files::of(keeps).map(|(path, file)| {
            uploaded.push(file.clone());
            json!({ "path": path, "source": upload::path_of_file(uploaded.len() - 1) })
        });
        let keys = json!({
            "deploymentMode": "docker",
            "image": { "repository": repository, "tag": tag },
            "files": files.collect::<Vec<_>>(),
            "docker": {
                "memoryLimit": limits.memory.to_string(),
                "cpuLimit": limits.cpus.value(),
                "labels": { COMPONENT_LABEL: component },
            },
        });
        PerformerKeys { files: performer_files::ROOT.into(), keys }
    });
    let performers = performers.collect();
    let mut config = configuration::executor(spec, chains, EVERYWHERE, performers);
    configuration::merge(
        &mut config,
        json!({
            EXECUTOR_PORT_KEY: EXECUTOR_PORT,
            "performerNetworkName": context.network,
            // The harness reads their output, however short they lived, and removes them.
            "docker": { "labels": context.labels.to_map(), "keepEnded": true },
        }),
    );
    let mut launch = launch(component, &spec.key, &spec.executor, config, EXECUTOR_PORT, images);
    launch.files = uploaded;
    launch.socket = Some(EngineSocket::of(context.engine.address())?);
    launch.performers = ConfiguredPerformer::all(spec);
    Ok(launch)
}

/// The launch of the aggregator.
pub(super) fn aggregator(spec: &AggregatorSpec, l1_url: &str, l2_url: &str, images: &DockerImages) -> Launch {
    let mut config = configuration::aggregator(spec, l1_url, l2_url, EVERYWHERE);
    configuration::merge(&mut config, json!({ AGGREGATOR_PORT_KEY: AGGREGATOR_PORT }));
    launch(ComponentRef::Aggregator, &spec.key, &spec.aggregator, config, AGGREGATOR_PORT, images)
}

fn launch(
    component: ComponentRef,
    key: &EcdsaKey,
    replacement: &Component,
    config: Value,
    port: u16,
    images: &DockerImages,
) -> Launch {
    let (role, defaults) = match component {
        ComponentRef::Aggregator => ("aggregator", ComponentLimits::AGGREGATOR),
        _ => ("executor", ComponentLimits::EXECUTOR),
    };
    // A user's image has its own command, and may write to its file system.
    let (image, arguments, read_only, ready_within) = match &replacement.image {
        Some(image) => (image.clone(), images.own.arguments_of(image), false, REPLACED_READY_WITHIN),
        None => (images.components.clone(), vec![role.to_owned()], true, REFERENCE_READY_WITHIN),
    };
    Launch {
        component,
        image,
        arguments,
        environment: replacement.environment.clone().into_iter().collect(),
        key: key.clone(),
        config,
        files: Vec::new(),
        port,
        socket: None,
        performers: Vec::new(),
        read_only,
        limits: replacement.limits(defaults),
        ready_within,
    }
}
