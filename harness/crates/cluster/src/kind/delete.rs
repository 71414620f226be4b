//! Removes a cluster through the engine: this works without kind, and where kind's own removal fails.

use bollard::query_parameters::RemoveContainerOptionsBuilder;
use futures::future::try_join_all;
use hourglass_engine::{Engine, EngineContext as _, EngineError, nodes_of};

use super::{freezer::keep_thawing, network};
use crate::{ClusterError, ClusterFolder, ClusterName};

/// Removes a cluster that the harness made: nodes with their volumes, network, folder. What does not exist is no error;
/// what cannot be removed stays in the stored state.
pub async fn delete(engine: &Engine, name: &ClusterName, folder: &ClusterFolder) -> Result<(), ClusterError> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let nodes = nodes_of(engine, &name.in_kind()).await?;
    try_join_all(nodes.iter().map(|node| async {
        let removal = engine.docker().remove_container(&node.container, Some(options.clone()));
        let removed = tokio::select! {
            removed = removal => removed,
            never = keep_thawing(&node.container) => match never {},
        };
        gone(removed.context(|| format!("remove node {}", node.name)))
    }))
    .await?;
    for id in network::of_cluster(engine, name).await? {
        disconnect_all(engine, &id).await?;
        gone(engine.docker().remove_network(&id).await.context(|| format!("remove network {}", name.in_kind())))?;
    }
    folder.remove()
}

/// Containers of trials may still be connected: this must not remove them, and an engine keeps a network that is in
/// use.
async fn disconnect_all(engine: &Engine, network: &str) -> Result<(), EngineError> {
    let doing = || format!("clear network {network}");
    let inspected = match engine.docker().inspect_network(network, None).await.context(doing) {
        Err(error) if error.is_not_found() => return Ok(()),
        inspected => inspected?,
    };
    for container in inspected.containers.unwrap_or_default().into_keys() {
        let request = bollard::models::NetworkDisconnectRequest { container, force: Some(true) };
        gone(engine.docker().disconnect_network(network, request).await.context(doing))?;
    }
    Ok(())
}

fn gone(removed: Result<(), EngineError>) -> Result<(), EngineError> {
    match removed {
        // Another removal is under way, or was faster.
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        removed => removed,
    }
}
