//! Checks in a fraction of a second that a cluster that was usable still is.

use std::{pin::pin, time::Duration};

use futures::future::{Either, select};
use hourglass_component::causes::with_causes;
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{
    Api, ResourceExt as _,
    api::{GetParams, ListParams},
    core::Request,
};
use tokio::time::timeout;

use super::{
    Cluster, ClusterError, ClusterState,
    kind::Kind,
    usable::{Unmet, is_ready},
};

/// Many times the usual duration; a paused node accepts connections and never answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What is wrong with a cluster.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("node {0} is not there")]
    NodeMissing(String),
    #[error("node {0} does not run")]
    NodeStopped(String),
    #[error("node {0} went through a restart")]
    NodeRestarted(String),
    #[error("Kubernetes does not call node {0} ready")]
    NodeNotReady(String),
    #[error("no answer came within {}", humantime::format_duration(*.0))]
    Silent(Duration),
    #[error("it is not usable after {}: {state}", humantime::format_duration(*within))]
    NotUsable { within: Duration, state: Unmet },
    #[error("{}", with_causes(.0))]
    Failed(#[from] ClusterError),
}

/// A connection to the cluster, if its nodes were not restarted, its API server reports that it is ready, and its nodes
/// are Ready.
pub(super) async fn check(kind: &Kind, state: &ClusterState) -> Result<Cluster, Unfit> {
    let cluster = kind.connect().await?;
    let looked = timeout(ANSWER_WITHIN, look(kind, &cluster, state)).await;
    looked.map_err(|_| Unfit::Silent(ANSWER_WITHIN))??;
    Ok(cluster)
}

/// A fault of the nodes explains why the API server does not answer, and is reported first.
async fn look(kind: &Kind, cluster: &Cluster, state: &ClusterState) -> Result<(), Unfit> {
    let nodes = pin!(as_left(kind, cluster, state));
    let api = pin!(ready(cluster));
    match select(nodes, api).await {
        Either::Left((nodes, api)) => {
            nodes?;
            api.await
        }
        Either::Right((api, nodes)) => nodes.await.and(api),
    }
}

async fn as_left(kind: &Kind, cluster: &Cluster, state: &ClusterState) -> Result<(), Unfit> {
    let (nodes, started) = tokio::try_join!(cluster.nodes(), kind.started())?;
    if let Some(missing) = state.started.keys().find(|name| !started.contains_key(*name)) {
        return Err(Unfit::NodeMissing(missing.clone()));
    }
    // A node that was stopped keeps its start time.
    if let Some(stopped) = nodes.into_iter().find(|node| !node.running) {
        return Err(Unfit::NodeStopped(stopped.name));
    }
    match started.into_iter().find(|(name, at)| state.started.get(name) != Some(at)) {
        Some((name, _)) => Err(Unfit::NodeRestarted(name)),
        None => Ok(()),
    }
}

async fn ready(cluster: &Cluster) -> Result<(), Unfit> {
    let readyz = async {
        let request = Request::new("").get("readyz", &GetParams::default()).map_err(kube::Error::BuildRequest);
        let answer = cluster.client.request_text(request.map_err(doing(cluster, "build a request"))?).await;
        answer.map_err(doing(cluster, "ask the API server whether it is ready"))
    };
    let nodes = async {
        let nodes = Api::<NodeObject>::all(cluster.client.clone());
        nodes.list(&ListParams::default()).await.map_err(doing(cluster, "list nodes"))
    };
    let (_, nodes) = tokio::try_join!(readyz, nodes)?;
    match nodes.items.iter().find(|node| !is_ready(node)) {
        Some(node) => Err(Unfit::NodeNotReady(node.name_any())),
        None => Ok(()),
    }
}

fn doing(cluster: &Cluster, what: &'static str) -> impl FnOnce(kube::Error) -> ClusterError {
    ClusterError::api(&cluster.name, what)
}
