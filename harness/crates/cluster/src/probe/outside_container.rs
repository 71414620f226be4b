//! A container outside the cluster, on the cluster's network, that pods must reach.

use bollard::{
    models::{ContainerCreateBody, HostConfig},
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};
use hourglass_engine::{EngineContext as _, EngineError};
use hourglass_image::ImageRole;
use hourglass_reaper::Labels;

use super::objects::PORT;
use crate::{
    Cluster, ClusterMachine,
    reach::{self, JoinedContainer, ReachError},
};

/// Its name: names of containers are unique in an engine.
pub(super) fn name(labels: &Labels) -> String {
    format!("hourglass-{}-outside", labels.run)
}

/// Starts it; `None` if the harness did not make the cluster.
pub(super) async fn start(
    cluster: &Cluster,
    image: &str,
    labels: &Labels,
) -> Result<Option<JoinedContainer>, ReachError> {
    let Some(ClusterMachine { engine, network, .. }) = &cluster.machine else { return Ok(None) };
    let name = name(labels);
    let port = PORT.to_string();
    let words = [ImageRole::Components.program(), "probe", "serve", "--port", &port, "--name", "outside"];
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(words.map(str::to_owned).to_vec()),
        cmd: Some(Vec::new()),
        labels: Some(labels.of_component("outside")),
        host_config: Some(HostConfig { network_mode: Some(network.clone()), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let created = engine.docker().create_container(Some(options), body).await;
    created.context(|| format!("create container {name} of image {image}"))?;
    let started = engine.docker().start_container(&name, None).await;
    started.context(|| format!("start container {name}"))?;
    reach::container(cluster, &name).await.map(Some)
}

/// Removes it, if it exists.
pub(super) async fn remove(cluster: &Cluster, labels: &Labels) -> Result<(), EngineError> {
    let Some(machine) = &cluster.machine else { return Ok(()) };
    let name = name(labels);
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removed = machine.engine.docker().remove_container(&name, Some(options)).await;
    match removed.context(|| format!("remove container {name}")) {
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        removed => removed,
    }
}
