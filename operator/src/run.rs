//! The operator as a whole: servers and watches first, then the election, then the controllers, then an orderly end.

use std::{env, io, net::SocketAddr, sync::Arc};

use kube::{Client, client::ClientBuilder};
use rand::Rng as _;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    config::OperatorConfig,
    controller::Controllers,
    election::{Candidate, ElectionError, Holding},
    health::{Health, Role},
    metrics::{CountedLayer, Metrics},
    server, telemetry,
};

/// Why an operator ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Neither a kubeconfig nor a service account says where the API server is.
    #[error("failed to find out where the API server is")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    /// The client of the API server cannot be built from what was found.
    #[error("failed to make a client for the API server")]
    Client(#[source] Box<kube::Error>),
    /// An address is in use, or is not an address of this machine.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Another operator may act now.
    #[error("the operator is not the leader any more")]
    Election(#[from] ElectionError),
    /// A part that should run as long as the operator ended.
    #[error("{part} ended")]
    Ended {
        /// The part.
        part: &'static str,
        /// Why it ended, where it says.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// Tasks that run beside the controllers, and never end before the operator does.
type Background = JoinSet<(&'static str, io::Result<()>)>;

/// Runs the operator until `shutdown`.
///
/// The API server is that of the kubeconfig (`KUBECONFIG`, or the one in the home folder), else that of the cluster
/// that the operator runs in. The operator waits for an API server that cannot be reached, and `/readyz` says so
/// meanwhile.
pub async fn run(config: OperatorConfig, shutdown: CancellationToken) -> Result<(), OperatorError> {
    telemetry::init(config.log_format, config.log_level);
    let metrics = Arc::new(Metrics::default());
    let health = Arc::new(Health::default());
    let (client, namespace) = client(&metrics, &health).await?;

    let mut background = Background::new();
    let stop = CancellationToken::new();
    if let Some(address) = config.metrics_bind_address {
        let server = server::metrics(address, metrics.clone()).await;
        let server = server.map_err(|source| OperatorError::Listen { address, source })?.serve(stop.clone());
        background.spawn(async move { ("the metrics server", server.await) });
    }
    if let Some(address) = config.health_probe_bind_address {
        let server = server::probes(address, health.clone(), client.clone()).await;
        let server = server.map_err(|source| OperatorError::Listen { address, source })?.serve(stop.clone());
        background.spawn(async move { ("the health server", server.await) });
    }

    let identity = identity();
    let controllers = Controllers::new(&client, &config, &identity, &metrics, &health);
    for watch in controllers.watches() {
        background.spawn(async move {
            watch.await;
            ("a watch", Ok(()))
        });
    }

    let candidate = config.leader_election.enabled.then(|| {
        let timings = config.leader_election.clone();
        let namespace = timings.namespace.clone().unwrap_or(namespace);
        Candidate::new(client, namespace, identity, timings, health.clone())
    });
    let actor = Actor { controllers, metrics, health: health.clone() };
    let ended = tokio::select! {
        ended = actor.act(candidate, shutdown) => ended,
        Some(ended) = background.join_next() => Err(early(ended)),
    };
    health.becomes(Role::Ending);
    stop.cancel();
    background.shutdown().await;
    ended
}

/// The part of the operator that acts once it may.
struct Actor {
    controllers: Controllers,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Actor {
    /// If there is an election, stands by until the `candidate` has won; then acts, and ends in order.
    async fn act(&self, candidate: Option<Candidate>, shutdown: CancellationToken) -> Result<(), OperatorError> {
        let mut holding = None;
        if let Some(candidate) = candidate {
            self.health.becomes(Role::Standby { leader: None });
            holding = tokio::select! {
                holding = candidate.win() => Some(holding),
                () = shutdown.cancelled() => return Ok(()),
            };
        }
        tracing::info!("leading");
        self.health.becomes(Role::Leading);
        self.metrics.lead(true);
        let acting = self.controllers.act(shutdown);
        let ended = if let Some(holding) = &mut holding {
            tokio::select! {
                // Running reconciles are dropped if another operator may have begun to act.
                lost = holding.keep() => Err(lost.into()),
                () = acting => Ok(()),
            }
        } else {
            acting.await;
            Ok(())
        };
        self.metrics.lead(false);
        self.health.becomes(Role::Ending);
        if ended.is_ok() {
            tracing::info!("all reconciles have ended");
            if let Some(holding) = holding {
                Holding::release(holding).await;
            }
        }
        ended
    }
}

/// A client whose requests are counted, and the operator's own namespace.
async fn client(metrics: &Arc<Metrics>, health: &Arc<Health>) -> Result<(Client, String), OperatorError> {
    let config = kube::Config::infer().await.map_err(|error| OperatorError::Infer(Box::new(error)))?;
    let namespace = config.default_namespace.clone();
    let counted = CountedLayer { metrics: metrics.clone(), health: health.clone() };
    let builder = ClientBuilder::try_from(config).map_err(|error| OperatorError::Client(Box::new(error)))?;
    Ok((builder.with_layer(&counted).build(), namespace))
}

/// The identity of this operator in Leases and Events. It is its pod, whose containers run one after the other, so that
/// the next container may continue with the Lease of one that crashed. Outside a pod it is the host, and a random word
/// for each process.
fn identity() -> String {
    let named = |variable| env::var(variable).ok().filter(|name| !name.is_empty());
    let host = named("POD_NAME").or_else(|| named("HOSTNAME")).unwrap_or_else(|| "hourglass-operator".to_owned());
    let life = named("POD_UID").unwrap_or_else(|| format!("{:08x}", rand::rng().random::<u32>()));
    format!("{host}_{life}")
}

fn early(ended: Result<(&'static str, io::Result<()>), JoinError>) -> OperatorError {
    match ended {
        Ok((part, result)) => OperatorError::Ended { part, source: result.err().map(Into::into) },
        Err(error) => OperatorError::Ended { part: "a part of the operator", source: Some(error.into()) },
    }
}
