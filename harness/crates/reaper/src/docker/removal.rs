//! One pass over the objects of a run in an engine.

use std::collections::BTreeSet;

use bollard::{
    models::{ContainerSummary, NetworkDisconnectRequest},
    query_parameters::{RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder},
};
use futures::future::{join_all, try_join_all};
use hourglass_engine::{Engine, EngineContext as _, EngineError};

use super::objects::{LabelledContainer, LabelledNetwork, Objects, Scope, attached_to, endpoints, is_only_on};
use crate::{LeakedResource, RUN_LABEL, RunId};

/// Looks once for the objects of a run, removes them as far as possible, and returns what was found.
///
/// `networks` are those that earlier passes saw: a container that an executor was creating when it was killed may
/// appear when the network is gone. Networks and volumes are removed in a pass that finds no container any more, which
/// gives such a container time to appear.
pub(super) async fn pass(
    engine: &Engine,
    run: &RunId,
    networks: &mut BTreeSet<LabelledNetwork>,
) -> Result<Vec<LeakedResource>, EngineError> {
    let found = Objects::find(engine, Scope::Run(run)).await?;
    let present: Vec<_> = found.networks.iter().map(LabelledNetwork::of).collect();
    networks.extend(present.iter().cloned());
    let known: Vec<_> = networks.iter().cloned().collect();

    // Executors first: once they are gone, nobody creates more.
    remove_containers(engine, &found.containers).await?;
    let hanging = attached_to(engine, &known).await?;
    let (ours, strangers): (Vec<_>, Vec<_>) =
        hanging.into_iter().filter(|container| !is_of(container, run)).partition(|one| is_only_on(one, &known));
    remove_containers(engine, &ours).await?;

    if found.containers.is_empty() && ours.is_empty() {
        disconnect(engine, &present, &strangers).await?;
        remove_networks(engine, &present).await?;
        remove_volumes(engine, &found).await?;
    }
    let containers =
        found.containers.iter().chain(&ours).map(|one| LeakedResource::Container(LabelledContainer::of(one)));
    let volumes = found.volumes.into_iter().map(|volume| LeakedResource::Volume(volume.name));
    Ok(containers.chain(present.into_iter().map(LeakedResource::Network)).chain(volumes).collect())
}

fn is_of(container: &ContainerSummary, run: &RunId) -> bool {
    container.labels.iter().flatten().any(|(key, value)| key == RUN_LABEL && value == run.as_str())
}

async fn remove_containers(engine: &Engine, containers: &[ContainerSummary]) -> Result<(), EngineError> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removing = containers.iter().map(|container| {
        let (container, options) = (LabelledContainer::of(container), options.clone());
        async move {
            let removed = engine.docker().remove_container(&container.id, Some(options)).await;
            gone(removed.context(|| format!("remove container {} ({})", container.name, container.id)))
        }
    });
    // All are tried before one of them fails the pass.
    join_all(removing).await.into_iter().collect()
}

async fn disconnect(
    engine: &Engine,
    networks: &[LabelledNetwork],
    guests: &[ContainerSummary],
) -> Result<(), EngineError> {
    let on =
        |network: &LabelledNetwork, guest: &ContainerSummary| endpoints(guest).any(|(name, id)| network.is(name, id));
    let pairs = networks.iter().flat_map(|network| guests.iter().map(move |guest| (network, guest)));
    let disconnecting = pairs.filter(|(network, guest)| on(network, guest)).map(|(network, guest)| async move {
        let guest = LabelledContainer::of(guest);
        let request = NetworkDisconnectRequest { container: guest.id, force: Some(true) };
        let done = engine.docker().disconnect_network(&network.id, request).await;
        gone(done.context(|| format!("disconnect container {} from network {}", guest.name, network.name)))
    });
    try_join_all(disconnecting).await.map(drop)
}

async fn remove_networks(engine: &Engine, networks: &[LabelledNetwork]) -> Result<(), EngineError> {
    let removing = networks.iter().map(|network| async move {
        let removed = engine.docker().remove_network(&network.id).await;
        gone(removed.context(|| format!("remove network {} ({})", network.name, network.id)))
    });
    join_all(removing).await.into_iter().collect()
}

async fn remove_volumes(engine: &Engine, found: &Objects) -> Result<(), EngineError> {
    let removing = found.volumes.iter().map(|volume| async move {
        let options = RemoveVolumeOptionsBuilder::new().force(true).build();
        let removed = engine.docker().remove_volume(&volume.name, Some(options)).await;
        gone(removed.context(|| format!("remove volume {}", volume.name)))
    });
    join_all(removing).await.into_iter().collect()
}

/// An object that is gone, or that somebody else is removing, is the desired result. The next pass sees what remains.
fn gone(removed: Result<(), EngineError>) -> Result<(), EngineError> {
    removed.or_else(|error| if error.is_not_found() || error.is_conflict() { Ok(()) } else { Err(error) })
}
