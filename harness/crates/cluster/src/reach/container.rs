//! Containers of the engine next to a cluster: pods reach those on its network, by name and by address.

use std::{collections::HashMap, net::IpAddr};

use bollard::models::{EndpointSettings, NetworkConnectRequest};
use hourglass_engine::EngineContext as _;

use super::ReachError;
use crate::{Cluster, ClusterMachine};

/// A container as pods of a cluster see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedContainer {
    /// The name that cluster DNS resolves through the engine's DNS: the container's own.
    pub name: String,
    /// Its address on the cluster's network.
    pub address: IpAddr,
}

impl JoinedContainer {
    /// Its URL, as `http://NAME:8545`; the name stays the same when the container is restarted, the address need not.
    pub fn url(&self, scheme: &str, port: u16) -> String {
        format!("{scheme}://{}:{port}", self.name)
    }
}

/// How pods of a cluster of the harness see a running container, by its name or id; it must be on the cluster's
/// network.
pub async fn container(cluster: &Cluster, container: &str) -> Result<JoinedContainer, ReachError> {
    let ClusterMachine { engine, network, .. } = machine(cluster)?;
    let inspected = engine.docker().inspect_container(container, None).await;
    let inspected = inspected.context(|| format!("inspect container {container}"))?;
    let name = inspected.name.unwrap_or_default().trim_start_matches('/').to_owned();
    let networks = inspected.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    match networks.get(network).and_then(address) {
        Some(address) => Ok(JoinedContainer { name, address }),
        None => Err(ReachError::NotJoined {
            container: name,
            cluster: cluster.name.clone(),
            network: network.clone(),
            on: listed(&networks),
        }),
    }
}

/// Connects a running container to the cluster's network, unless it is connected. A container that needs the network
/// from its start is created with it instead.
pub async fn join(cluster: &Cluster, name: &str) -> Result<JoinedContainer, ReachError> {
    match container(cluster, name).await {
        Err(ReachError::NotJoined { .. }) => {}
        joined => return joined,
    }
    let ClusterMachine { engine, network, .. } = machine(cluster)?;
    let request =
        NetworkConnectRequest { container: name.to_owned(), endpoint_config: Some(EndpointSettings::default()) };
    let joined = engine.docker().connect_network(network, request).await;
    joined.context(|| format!("join container {name} to network {network}"))?;
    container(cluster, name).await
}

fn machine(cluster: &Cluster) -> Result<&ClusterMachine, ReachError> {
    cluster.machine.as_ref().ok_or_else(|| ReachError::NoNetwork { cluster: cluster.name.clone() })
}

/// Empty while the container does not run.
fn address(endpoint: &EndpointSettings) -> Option<IpAddr> {
    endpoint.ip_address.as_deref()?.parse().ok()
}

fn listed(networks: &HashMap<String, EndpointSettings>) -> String {
    let running = networks.iter().filter(|(_, endpoint)| address(endpoint).is_some());
    let mut names: Vec<_> = running.map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() { "no network (it does not run)".to_owned() } else { names.join(", ") }
}
