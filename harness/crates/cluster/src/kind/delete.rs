//! The removal of a cluster, by the engine itself: it works without kind, and where kind's own does not.

use bollard::query_parameters::RemoveContainerOptionsBuilder;
use futures::future::try_join_all;
use hourglass_engine::{Engine, EngineContext as _, EngineError, nodes_of};

use super::{freezer::keep_thawing, network};
use crate::{ClusterError, ClusterFolder, ClusterName};

/// Removes a cluster of ours: nodes with their volumes, network, folder. What is not there is no error; what stays, stays
/// remembered.
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

/// Containers of trials may still be on it: they are not ours to remove, and an engine keeps a network that is in use.
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
        // A second removal is under way, or was faster.
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        removed => removed,
    }
}
