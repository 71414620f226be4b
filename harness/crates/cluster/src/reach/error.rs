//! Why one end does not reach the other.

use std::{io, time::Duration};

use hourglass_engine::{EngineAddress, EngineError};

use super::ServiceRef;
use crate::ClusterError;

/// Why a Service or a container cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no such Service.
    #[error("there is no {service} in cluster {cluster}")]
    NoService {
        /// The Service.
        service: ServiceRef,
        /// The cluster.
        cluster: String,
    },
    /// The Service has no such port.
    #[error("there is no port {} of {service}, which has {has}", service.port)]
    NoPort {
        /// The Service.
        service: ServiceRef,
        /// The ports that it has.
        has: String,
    },
    /// No pod behind it is ready.
    #[error("timed out after {} waiting for a ready pod of {service}: {state}", humantime::format_duration(*within))]
    NotReady {
        /// The Service.
        service: ServiceRef,
        /// How long one was awaited.
        within: Duration,
        /// What was seen last.
        state: String,
    },
    /// A listener on this machine failed.
    #[error("failed to listen on this machine for {service}")]
    Listen {
        /// The Service.
        service: ServiceRef,
        /// Why not.
        source: io::Error,
    },
    /// The connection to a pod failed.
    #[error("failed to forward to port {port} of pod {pod}")]
    Forward {
        /// The pod.
        pod: String,
        /// Its port.
        port: u16,
        /// What the API server answered.
        source: Box<kube::Error>,
    },
    /// The pod's end of a connection failed.
    #[error("failed to go on with port {port} of pod {pod}: {said}")]
    Pod {
        /// The pod.
        pod: String,
        /// Its port.
        port: u16,
        /// What its node reported.
        said: String,
    },
    /// A connection broke.
    #[error("failed to carry a connection to pod {pod}")]
    Carry {
        /// The pod.
        pod: String,
        /// Why.
        source: io::Error,
    },
    /// The Service has no port on the nodes.
    #[error("there is no NodePort of {service}: it is of type {kind}")]
    NoNodePort {
        /// The Service.
        service: ServiceRef,
        /// Its type.
        kind: String,
    },
    /// No node has a usable address.
    #[error("no node of cluster {cluster} runs and has an address")]
    NoNode {
        /// The cluster.
        cluster: String,
    },
    /// The nodes are on another machine.
    #[error("failed to reach the nodes of cluster {cluster} from this machine: their engine is at {engine}")]
    ElsewhereEngine {
        /// The cluster.
        cluster: String,
        /// Where the engine is.
        engine: EngineAddress,
    },
    /// A node's port does not open.
    #[error("failed to connect to {address} within {}", humantime::format_duration(*within))]
    NotOpen {
        /// The node's address and port.
        address: std::net::SocketAddr,
        /// How long it was tried.
        within: Duration,
        /// The error of the last attempt.
        source: io::Error,
    },
    /// The cluster does not belong to this machine's engine.
    #[error("failed to find the network of cluster {cluster}, which others made")]
    NoNetwork {
        /// The cluster.
        cluster: String,
    },
    /// A container is on other networks.
    #[error("failed to reach container {container} from cluster {cluster}: it is on {on}, not on network {network}")]
    NotJoined {
        /// The container.
        container: String,
        /// The cluster.
        cluster: String,
        /// The cluster's network.
        network: String,
        /// The networks that it is on.
        on: String,
    },
}

impl ReachError {
    /// What to do about it, if that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Cluster(error) => return error.remedy(),
            Self::Engine(error) => error.remedy()?,
            Self::NotReady { .. } => "see why its pods are not ready: `kubectl describe pods` in its namespace",
            Self::NoNodePort { .. } => "give it the type NodePort, or reach it by port-forward",
            Self::ElsewhereEngine { .. } | Self::NoNode { .. } | Self::NotOpen { .. } => "reach it by port-forward",
            Self::NotJoined { .. } => "join it to the cluster's network when it is made",
            Self::NoNetwork { .. } => "run what its pods are to reach in the cluster itself",
            _ => return None,
        };
        Some(remedy.to_owned())
    }
}
