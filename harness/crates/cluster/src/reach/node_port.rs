//! A Service by its port on the nodes.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_engine::EngineAddress;
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{Api, ResourceExt as _, api::ListParams};
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    How, ReachError, Reached, ServiceRef,
    backends::{Backends, follow},
    forward::ready,
};
use crate::{Cluster, ClusterError, ClusterMachine, Node, usable::is_ready};

/// How long one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(1);
const FIRST_DELAY: Duration = Duration::from_millis(20);
const LONGEST_DELAY: Duration = Duration::from_millis(500);

/// A port of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePort {
    /// The node that has the address; every other node has the port as well.
    pub node: String,
    /// The port.
    pub port: u16,
}

impl NodePort {
    /// The address for containers on the cluster's network, as `NODE:PORT`.
    pub fn from_containers(&self) -> String {
        format!("{}:{}", self.node, self.port)
    }
}

/// The port of a Service on a node's address; waits until one of its pods is ready and the port takes connections.
///
/// It fails at once if the nodes run on another machine's engine.
pub async fn node_port(cluster: &Cluster, service: &ServiceRef, within: Duration) -> Result<Reached, ReachError> {
    let found = service.get(cluster).await?;
    let port = service.port_in(&found)?;
    let kind = || found.spec.as_ref().and_then(|spec| spec.type_.clone()).unwrap_or_default();
    let number = port.node_port.and_then(|number| u16::try_from(number).ok());
    let number = number.ok_or_else(|| ReachError::NoNodePort { service: service.clone(), kind: kind() })?;
    let (node, address) = node(cluster).await?;
    let (seen, mut backends) = watch::channel(Backends::default());
    let name = port.name.unwrap_or_default();
    let _following = AbortOnDropHandle::new(tokio::spawn(follow(cluster.clone(), service.clone(), name, seen)));
    ready(&mut backends, service, within).await?;
    let address = SocketAddr::new(address, number);
    opened(address, within).await?;
    Ok(Reached { address, how: How::NodePort(NodePort { node, port: number }) })
}

/// A running node that can be reached from here.
async fn node(cluster: &Cluster) -> Result<(String, IpAddr), ReachError> {
    let found = if let Some(ClusterMachine { engine, .. }) = &cluster.machine {
        if let EngineAddress::Remote(_) = engine.address() {
            let engine = engine.address().clone();
            return Err(ReachError::ElsewhereEngine { cluster: cluster.name.clone(), engine });
        }
        let running = |node: &Node| node.running && node.is_kubernetes();
        let mut nodes = cluster.nodes().await?.into_iter().filter(running);
        nodes.find_map(|node| Some((node.name, node.address?)))
    } else {
        let api = Api::<NodeObject>::all(cluster.client.clone());
        let nodes = api.list(&ListParams::default()).await;
        let nodes = nodes.map_err(ClusterError::api(&cluster.name, "list nodes"))?;
        nodes.into_iter().filter(is_ready).find_map(|node| Some((node.name_any(), address_of(&node)?)))
    };
    found.ok_or_else(|| ReachError::NoNode { cluster: cluster.name.clone() })
}

/// The address under which others reach a node, from its status.
fn address_of(node: &NodeObject) -> Option<IpAddr> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    let of_type = |kind: &str| {
        addresses.iter().filter(|address| address.type_ == kind).find_map(|address| address.address.parse().ok())
    };
    of_type("ExternalIP").or_else(|| of_type("InternalIP"))
}

/// Waits until a port accepts connections: no event tells when its rules are in force.
async fn opened(address: SocketAddr, within: Duration) -> Result<(), ReachError> {
    let began = Instant::now();
    let attempt = || async {
        let connected = timeout(ATTEMPT, TcpStream::connect(address)).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    };
    let patient =
        ExponentialBuilder::default().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY).without_max_times();
    let again = |_: &io::Error| began.elapsed() < within;
    attempt.retry(patient).when(again).await.map(drop).map_err(|source| ReachError::NotOpen { address, within, source })
}
