//! Connections between this machine, the pods of a cluster and the containers next to it.
//!
//! What may live here: Services reached from outside, containers of the engine reached from pods, and the names under
//! which each sees the other. The callers decide what is sent over these connections.

mod backends;
mod container;
mod error;
mod forward;
mod node_port;
mod pump;
mod service;

use std::{fmt, net::SocketAddr};

pub use container::{JoinedContainer, container, join};
pub use error::ReachError;
pub use forward::{PortForward, forward, forward_to_pod};
pub use node_port::{NodePort, node_port};
pub use service::{PortRef, ServiceRef};

/// A Service that this machine reaches until this is dropped.
#[derive(Debug)]
pub struct Reached {
    /// Its address on this machine or on a node.
    pub address: SocketAddr,
    /// The kind of access.
    pub how: How,
}

/// How a Service is reached.
#[derive(Debug)]
pub enum How {
    /// A listener on this machine, whose connections go through the API server; it ends when this is dropped.
    PortForward(PortForward),
    /// A port of every node.
    NodePort(NodePort),
}

impl Reached {
    /// The last error of a connection, with its causes.
    pub fn last_error(&self) -> Option<String> {
        match &self.how {
            How::PortForward(forward) => forward.last_error(),
            How::NodePort(_) => None,
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::PortForward(_) => write!(formatter, "{} (port-forward)", self.address),
            How::NodePort(port) => write!(formatter, "{} (NodePort of node {})", self.address, port.node),
        }
    }
}
