//! Makes a cluster usable again after its nodes were restarted or stopped.

use std::time::Duration;

use hourglass_engine::{Engine, EngineContext as _, nodes_of};

use super::{Cluster, ClusterError, ClusterFolder, ClusterState, Node, health::Unfit, kind::Kind, usable::usable};

/// After a restart, the API answers after 9 s, and the addresses of Services work 23 s later; a new cluster takes less
/// than that again.
const HEALED_WITHIN: Duration = Duration::from_mins(1);

/// Starts the nodes that do not run, waits until the cluster is usable, and stores when its nodes were started.
pub(super) async fn heal(
    engine: &Engine,
    kind: &Kind,
    folder: &ClusterFolder,
    state: &ClusterState,
) -> Result<Cluster, Unfit> {
    let nodes = nodes_of(engine, &state.name.in_kind()).await.map_err(ClusterError::from)?;
    if let Some(missing) = state.started.keys().find(|name| !nodes.iter().any(|node| node.name == **name)) {
        return Err(Unfit::NodeMissing(missing.clone()));
    }
    for node in nodes.iter().filter(|node| !node.running) {
        start(engine, node).await?;
    }
    let cluster = kind.connect().await?;
    usable(&cluster, HEALED_WITHIN).await.map_err(|state| Unfit::NotUsable { within: HEALED_WITHIN, state })?;
    let healed = ClusterState { started: kind.started().await?, ..state.clone() };
    folder.keep(&healed)?;
    Ok(cluster)
}

async fn start(engine: &Engine, node: &Node) -> Result<(), ClusterError> {
    let docker = engine.docker();
    let doing = || format!("start node {}", node.name);
    let inspected = docker.inspect_container(&node.container, None).await.context(doing)?;
    let is_paused = inspected.state.and_then(|state| state.paused).unwrap_or_default();
    let started = if is_paused {
        docker.unpause_container(&node.container).await
    } else {
        docker.start_container(&node.container, None).await
    };
    Ok(started.context(doing)?)
}
