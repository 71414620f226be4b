//! Whether this machine reaches a Service, by port-forward and by `NodePort`.

use std::time::Duration;

use hourglass_base::Check;
use hourglass_component::causes::with_causes;

use super::{
    dial::dial,
    objects::{PORT, SERVICE},
    topics::{NODE_PORT, PORT_FORWARD},
};
use crate::{
    Cluster, OwnNamespace,
    reach::{ReachError, ServiceRef, forward, node_port},
};

const WITHIN: Duration = Duration::from_secs(5);

/// Reaches the Service through the API server.
pub(super) async fn by_port_forward(cluster: &Cluster, namespace: &OwnNamespace) -> Check {
    let service = ServiceRef::new(namespace.name(), SERVICE, PORT);
    let reached = match forward(cluster, &service, WITHIN).await {
        Ok(reached) => reached,
        Err(error) => return PORT_FORWARD.missing(with_causes(&error)),
    };
    let dialled = dial(&reached.address.to_string(), WITHIN).await;
    match dialled.failure() {
        None => PORT_FORWARD.ok(format!("{service} answers at {}", reached.address)),
        Some(failure) => PORT_FORWARD.missing(reached.last_error().unwrap_or(failure)),
    }
}

/// Reaches the Service by a node's address. The nodes of an existing cluster need not be reachable from here.
pub(super) async fn by_node_port(cluster: &Cluster, namespace: &OwnNamespace) -> Check {
    let service = ServiceRef::new(namespace.name(), SERVICE, PORT);
    let failure = match node_port(cluster, &service, WITHIN).await {
        Ok(reached) => match dial(&reached.address.to_string(), WITHIN).await.failure() {
            None => return NODE_PORT.ok(format!("{service} answers at {}", reached.address)),
            Some(failure) => failure,
        },
        Err(error @ ReachError::ElsewhereEngine { .. }) => return NODE_PORT.warning(error),
        Err(error) => with_causes(&error),
    };
    if cluster.machine.is_some() { NODE_PORT.missing(failure) } else { NODE_PORT.warning(failure) }
}
