//! The network of a cluster.

use std::collections::HashMap;

use bollard::{models::NetworkCreateRequest, query_parameters::ListNetworksOptionsBuilder};
use hourglass_engine::{Engine, EngineContext as _};

use crate::{ClusterError, ClusterName};

/// The label with the cluster that an object of the engine belongs to. It is not the label of a run: a cluster outlives
/// the run that made it.
pub const CLUSTER_LABEL: &str = "hourglass-harness/cluster";

/// Makes the network of a cluster, unless it exists; kind joins the nodes to it.
pub(super) async fn make(engine: &Engine, cluster: &ClusterName) -> Result<String, ClusterError> {
    let name = cluster.in_kind();
    if !of_cluster(engine, cluster).await?.is_empty() {
        return Ok(name);
    }
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        labels: Some(HashMap::from([(CLUSTER_LABEL.to_owned(), cluster.to_string())])),
        options: Some(HashMap::from([(
            "com.docker.network.bridge.enable_ip_masquerade".to_owned(),
            "true".to_owned(),
        )])),
        ..NetworkCreateRequest::default()
    };
    engine.docker().create_network(request).await.context(|| format!("create network {name}"))?;
    Ok(name)
}

/// The ids of the networks that belong to a cluster.
pub(super) async fn of_cluster(engine: &Engine, cluster: &ClusterName) -> Result<Vec<String>, ClusterError> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{CLUSTER_LABEL}={cluster}")])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let networks = engine.docker().list_networks(Some(options)).await;
    let networks = networks.context(|| format!("list the networks of cluster {cluster}"))?;
    Ok(networks.into_iter().filter_map(|network| network.id).collect())
}
