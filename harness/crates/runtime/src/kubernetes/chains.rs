//! The chains of a trial: containers next to the nodes of a cluster of the harness, pods in an existing cluster.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures::future::join_all;
use hourglass_chain::{AnvilBinary, PreparedState};
use hourglass_cluster::{ChosenCluster, ClusterMachine};
use hourglass_engine::{EngineContext as _, EngineError};
use hourglass_image::deliver_anvil;
use hourglass_proto::contracts::addresses as at;
use hourglass_reaper::Labels;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{chain_pods::ChainPods, trial_namespace::TrialNamespace};
use crate::{
    Chains, RuntimeError,
    docker::{AnvilContainer, DockerContext, Record, Watch, Whose},
};

/// Where the chains run.
#[derive(Debug)]
pub(super) enum ChainHost {
    /// Containers on the network of the nodes.
    Containers(Box<Containers>),
    /// Pods, reached through the API server.
    Pods(Box<ChainPods>),
}

#[derive(Debug)]
pub(super) struct Containers {
    anvil: AnvilBinary,
    pub(super) context: DockerContext,
    watch: Watch,
    anvils: Mutex<Vec<AnvilContainer>>,
}

/// The settings of all chains of a trial.
pub(super) struct ChainSettings {
    pub anvil: AnvilBinary,
    pub labels: Labels,
    pub folder: PathBuf,
    pub record: Record,
}

impl ChainHost {
    /// A host with no chain yet.
    pub(super) async fn of(
        cluster: &Arc<ChosenCluster>,
        trial_namespace: &TrialNamespace,
        settings: ChainSettings,
    ) -> Result<Self, RuntimeError> {
        let ChainSettings { anvil, labels, folder, record } = settings;
        let Some(ClusterMachine { engine, network, .. }) = cluster.machine.clone() else {
            return Ok(Self::Pods(Box::new(ChainPods::new(
                Arc::clone(cluster),
                trial_namespace.clone(),
                anvil,
                labels,
            ))));
        };
        let found = engine.docker().inspect_network(&network, None).await;
        let id = found.context(|| format!("inspect network {network}"))?.id.unwrap_or_default();
        // The engine's clock may differ, and earlier events do no harm.
        let since = Timestamp::now().as_second().saturating_sub(5);
        let watch = Watch::start(&engine, &id, Whose::Run(labels.run.clone()), since, record);
        let context = DockerContext { engine, labels, network, folder };
        let anvils = Mutex::default();
        Ok(Self::Containers(Box::new(Containers { anvil, context, watch, anvils })))
    }

    /// Starts both with a prepared state.
    pub(super) async fn start(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        match self {
            Self::Containers(containers) => containers.start(state).await,
            Self::Pods(pods) => pods.start(state).await,
        }
    }

    /// The URL of a chain for pods.
    pub(super) async fn url(&self, chain_id: u64) -> Result<String, RuntimeError> {
        let url = match self {
            Self::Containers(containers) => {
                let anvils = containers.anvils.lock().await;
                let anvil = anvils.iter().find(|anvil| anvil.control().chain_id() == chain_id);
                anvil.map(AnvilContainer::url_by_address)
            }
            Self::Pods(pods) => Some(pods.url(chain_id)),
        };
        url.ok_or(RuntimeError::NoChain { chain_id })
    }

    /// Their URLs for this machine.
    pub(super) async fn endpoints(&self) -> BTreeMap<String, String> {
        match self {
            Self::Containers(containers) => {
                let anvils = containers.anvils.lock().await;
                let named = anvils.iter().map(AnvilContainer::control);
                named.map(|chain| (format!("chain {}", chain.chain_id()), chain.client().url().to_owned())).collect()
            }
            Self::Pods(pods) => pods.endpoints(),
        }
    }

    /// Waits until the engine that runs them is gone.
    pub(super) async fn lost(&self) -> Arc<EngineError> {
        match self {
            Self::Containers(containers) => containers.watch.lost().await,
            Self::Pods(_) => std::future::pending().await,
        }
    }

    /// Whether the engine that runs them answers now.
    pub(super) async fn responds(&self) -> Result<(), EngineError> {
        match self {
            Self::Containers(containers) => containers.context.engine.responds().await,
            Self::Pods(_) => Ok(()),
        }
    }

    /// Ends them.
    pub(super) async fn stop(&self) -> Result<(), RuntimeError> {
        match self {
            Self::Containers(containers) => containers.stop().await,
            Self::Pods(pods) => pods.stop().await,
        }
    }
}

impl Containers {
    async fn start(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        let Self { context, watch, .. } = self;
        let image = deliver_anvil(&context.engine, &self.anvil.path).await?.reference;
        let (l1, l2) = tokio::try_join!(
            AnvilContainer::start(&image, at::L1_CHAIN_ID, &state.l1, context, watch),
            AnvilContainer::start(&image, at::L2_CHAIN_ID, &state.l2, context, watch)
        )?;
        let chains = Chains { l1: l1.control().clone(), l2: l2.control().clone() };
        self.anvils.lock().await.extend([l1, l2]);
        Ok(chains)
    }

    async fn stop(&self) -> Result<(), RuntimeError> {
        let anvils: Vec<_> = self.anvils.lock().await.drain(..).collect();
        let killed = join_all(anvils.iter().map(|anvil| anvil.kill(&self.context))).await;
        killed.into_iter().collect::<Result<(), _>>()?;
        self.watch.finish().await;
        let removed = join_all(anvils.into_iter().map(AnvilContainer::remove)).await;
        removed.into_iter().collect()
    }
}
