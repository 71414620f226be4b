//! The nodes of a kind cluster: containers of the engine.

mod error;
mod exec;

use std::{collections::HashMap, net::IpAddr};

use bollard::{models::ContainerSummary, query_parameters::ListContainersOptionsBuilder};
use serde::{Deserialize, Serialize};

pub use error::NodeError;
pub use exec::CommandOutput;

use crate::{Engine, EngineContext as _, EngineError};

/// The label by which kind identifies its containers: its value is the cluster's name.
pub const KIND_CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";
/// The label with the role of a node.
const KIND_ROLE_LABEL: &str = "io.x-k8s.kind.role";

/// The role of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// It runs the API server, and pods as well if it is the only node.
    ControlPlane,
    /// It runs pods.
    Worker,
    /// It distributes connections over several control planes and is no Kubernetes node.
    LoadBalancer,
}

/// A node: a container of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, as a container and in Kubernetes.
    pub name: String,
    /// The container's id.
    pub container: String,
    /// Its role.
    pub role: NodeRole,
    /// Its address on the cluster's network; `None` while it does not run.
    pub address: Option<IpAddr>,
    /// Whether its container runs.
    pub running: bool,
}

/// The containers of the cluster with this name in kind, control plane first.
pub async fn nodes_of(engine: &Engine, kind_name: &str) -> Result<Vec<Node>, EngineError> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{KIND_CLUSTER_LABEL}={kind_name}")])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let containers = engine.docker().list_containers(Some(options)).await;
    let containers = containers.context(|| format!("list the nodes of cluster {kind_name}"))?;
    let mut nodes: Vec<_> = containers.into_iter().filter_map(Node::from_summary).collect();
    nodes.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    Ok(nodes)
}

impl Node {
    fn from_summary(container: ContainerSummary) -> Option<Self> {
        let role = match container.labels.as_ref()?.get(KIND_ROLE_LABEL)?.as_str() {
            "control-plane" => NodeRole::ControlPlane,
            "worker" => NodeRole::Worker,
            _ => NodeRole::LoadBalancer,
        };
        let name = container.names?.into_iter().next()?;
        let networks = container.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let addresses = networks.values().filter_map(|network| network.ip_address.as_deref()?.parse().ok());
        Some(Self {
            name: name.trim_start_matches('/').to_owned(),
            container: container.id?,
            role,
            address: addresses.into_iter().next(),
            running: container.state.is_some_and(|state| state.to_string() == "running"),
        })
    }

    /// Whether it is a Kubernetes node.
    pub fn is_kubernetes(&self) -> bool {
        self.role != NodeRole::LoadBalancer
    }
}
