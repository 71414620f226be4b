//! A Service through the API server: a listener on this machine that forwards each connection to a ready pod.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hourglass_component::causes::with_causes;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::Portforwarder};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    How, ReachError, Reached, ServiceRef,
    backends::{Backend, Backends, follow},
    pump::pump,
};
use crate::Cluster;

/// How long a connection waits for a pod that accepts it; between two pods there may be none.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection to one pod waits for it: nothing takes its place.
const POD_PATIENCE: Duration = Duration::from_secs(2);
/// When a pod that did not accept a connection is tried again, unless other pods appear before.
const AGAIN: Duration = Duration::from_millis(200);

/// The port-forward to the pods of a Service. The listener and its connections end when this is dropped.
#[derive(Debug)]
pub struct PortForward {
    last: LastError,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl PortForward {
    /// The last error of a connection, with its causes.
    pub fn last_error(&self) -> Option<String> {
        self.last.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug, Clone, Default)]
struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    fn set(&self, error: &ReachError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(with_causes(error));
    }
}

/// Opens a port of this machine's loopback address that leads to a Service; waits until one of its pods is ready.
///
/// Pods take turns. If a pod is replaced, its connections end, and the next connection waits for the new pod.
pub async fn forward(cluster: &Cluster, service: &ServiceRef, within: Duration) -> Result<Reached, ReachError> {
    let port = service.port_in(&service.get(cluster).await?)?.name.unwrap_or_default();
    let (seen, mut backends) = watch::channel(Backends::default());
    let following = AbortOnDropHandle::new(tokio::spawn(follow(cluster.clone(), service.clone(), port, seen)));
    ready(&mut backends, service, within).await?;
    let listen = |source| ReachError::Listen { service: service.clone(), source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let last = LastError::default();
    let route = Route {
        service: service.clone(),
        pods: Api::namespaced(cluster.client.clone(), &service.namespace),
        backends,
        last: last.clone(),
        patience: PATIENCE,
    };
    let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, route)));
    Ok(Reached { address, how: How::PortForward(PortForward { last, _tasks: [following, serving] }) })
}

/// Opens a port of this machine's loopback address that leads to a port of one pod, whether or not it is ready. A connection to a
/// pod that does not accept it ends after a short time.
pub async fn forward_to_pod(cluster: &Cluster, namespace: &str, pod: &str, port: u16) -> Result<Reached, ReachError> {
    let service = ServiceRef::new(namespace, pod, port);
    let backend = Backend { pod: pod.to_owned(), port };
    let (known, backends) = watch::channel(Backends { ready: vec![backend], ..Backends::default() });
    let holding = AbortOnDropHandle::new(tokio::spawn(async move {
        // As long as the sender lives, the pod is known.
        known.closed().await;
    }));
    let listen = |source| ReachError::Listen { service: service.clone(), source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let last = LastError::default();
    let pods = Api::namespaced(cluster.client.clone(), namespace);
    let route = Route { service: service.clone(), pods, backends, last: last.clone(), patience: POD_PATIENCE };
    let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, route)));
    Ok(Reached { address, how: How::PortForward(PortForward { last, _tasks: [holding, serving] }) })
}

/// Waits until a pod behind the Service is ready.
pub(super) async fn ready(
    backends: &mut watch::Receiver<Backends>,
    service: &ServiceRef,
    within: Duration,
) -> Result<(), ReachError> {
    let ready = timeout(within, backends.wait_for(|seen| !seen.ready.is_empty())).await;
    // The watch goes on as long as it has a receiver, which the caller holds.
    if matches!(ready, Ok(Ok(_))) {
        return Ok(());
    }
    drop(ready);
    Err(ReachError::NotReady { service: service.clone(), within, state: backends.borrow().state() })
}

#[derive(Clone)]
struct Route {
    service: ServiceRef,
    pods: Api<Pod>,
    backends: watch::Receiver<Backends>,
    last: LastError,
    /// How long a connection waits for a pod that accepts it.
    patience: Duration,
}

async fn serve(listener: TcpListener, route: Route) {
    let mut connections = JoinSet::new();
    for turn in 0_usize.. {
        let client = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => break client,
                    Err(source) => {
                        route.last.set(&ReachError::Listen { service: route.service.clone(), source });
                        // No event tells when descriptors are available again.
                        tokio::time::sleep(AGAIN).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        };
        let mut route = route.clone();
        connections.spawn(async move {
            if let Err(error) = route.carry(client, turn).await {
                route.last.set(&error);
            }
        });
    }
}

impl Route {
    /// Carries one connection from its beginning to its end.
    async fn carry(&mut self, client: TcpStream, turn: usize) -> Result<(), ReachError> {
        let (Backend { pod, port }, forwarder) = self.open(turn).await?;
        let mut forwarder = AbortOnDrop(forwarder);
        let said = forwarder.0.take_error(port);
        // A stream can be taken only once, and this is that time.
        let Some(stream) = forwarder.0.take_stream(port) else { return Ok(()) };
        let carried = pump(client, stream).await;
        match said.map(|said| timeout(AGAIN, said)) {
            Some(said) => match said.await {
                Ok(Some(said)) => Err(ReachError::Pod { pod, port, said: said.trim().to_owned() }),
                _ => carried.map_err(|source| ReachError::Carry { pod, source }),
            },
            None => Ok(()),
        }
    }

    /// A connection to a pod that accepts it.
    async fn open(&mut self, turn: usize) -> Result<(Backend, Portforwarder), ReachError> {
        let opened = timeout(self.patience, async {
            loop {
                let seen = self.backends.wait_for(|seen| !seen.ready.is_empty()).await;
                let Ok(ready) = seen.map(|seen| seen.ready.clone()) else {
                    // Nobody follows the pods any more: this connection is about to be ended as well.
                    std::future::pending().await
                };
                let Some(backend) = ready.get(turn % ready.len().max(1)).cloned() else { continue };
                match self.pods.portforward(&backend.pod, &[backend.port]).await {
                    Ok(forwarder) => return (backend, forwarder),
                    Err(source) => {
                        let Backend { pod, port } = backend;
                        self.last.set(&ReachError::Forward { pod, port, source: Box::new(source) });
                        let _ = timeout(AGAIN, self.backends.changed()).await;
                    }
                }
            }
        });
        if let Ok(opened) = opened.await {
            return Ok(opened);
        }
        let state = self.backends.borrow().state();
        Err(ReachError::NotReady { service: self.service.clone(), within: self.patience, state })
    }
}

/// The library's task would go on after its handle is dropped.
struct AbortOnDrop(Portforwarder);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
