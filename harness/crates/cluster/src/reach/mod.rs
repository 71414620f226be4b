//! Ways between this machine, the pods of a cluster and the containers beside it.
//!
//! What may live here: Services reached from outside, containers of the engine reached from pods, and the names under
//! which each sees the other. What is said over these ways is the caller's.

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
pub use forward::{PortForward, forward};
pub use node_port::{NodePort, node_port};
pub use service::{PortRef, ServiceRef};

/// A Service that this machine reaches, for as long as this is kept.
#[derive(Debug)]
pub struct Reached {
    /// Where: an address of this machine, or of a node.
    pub address: SocketAddr,
    /// Which way.
    pub how: How,
}

/// The way to a Service.
#[derive(Debug)]
pub enum How {
    /// A listener of ours, whose connections go through the API server; it ends when this is dropped.
    PortForward(PortForward),
    /// A port of every node.
    NodePort(NodePort),
}

impl Reached {
    /// What went wrong last on the way, with its causes.
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
