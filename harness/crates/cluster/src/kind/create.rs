//! Creates a cluster and waits until it is usable.

use std::{collections::BTreeMap, fs, path::PathBuf};

use async_trait::async_trait;
use futures::future::try_join_all;
use hourglass_engine::{Engine, EngineContext as _, nodes_of};
use hourglass_reaper::Owner;
use jiff::Timestamp;

use super::{
    command::{self, Outcome},
    config::config,
    delete::delete,
    disk_space::enough_room,
    dns::probe_names_often,
    image::node_image_id,
    journal::journals,
    network, patches,
};
use crate::{
    Cluster, ClusterError, ClusterFolder, ClusterFolders, ClusterName, ClusterSpec, ClusterState, Progress, Provider,
    Stage, Tool,
    diagnostics::{self, Sources},
    handle::ClusterMachine,
    usable::{self, USABLE_WITHIN},
};

/// Makes one cluster with kind's command.
#[derive(Debug, Clone)]
pub struct Kind {
    engine: Engine,
    name: ClusterName,
    folder: ClusterFolder,
    failed: PathBuf,
}

impl Kind {
    /// For a cluster of this name, stored below these folders.
    pub fn new(engine: Engine, folders: &ClusterFolders, name: ClusterName) -> Self {
        let folder = folders.folder_of(&name);
        Self { engine, name, folder, failed: folders.failed() }
    }

    /// Connects to the cluster as it is, usable or not.
    pub async fn connect(&self) -> Result<Cluster, ClusterError> {
        Cluster::connect(self.name.as_str(), self.folder.kubeconfig(), None, Some(self.machine())).await
    }

    /// The engine's side of the cluster, whether or not it exists.
    pub fn machine(&self) -> ClusterMachine {
        let kind_name = self.name.in_kind();
        ClusterMachine { engine: self.engine.clone(), network: kind_name.clone(), kind_name }
    }

    /// When each node was started last, as the engine reports it.
    pub async fn started(&self) -> Result<BTreeMap<String, String>, ClusterError> {
        let nodes = nodes_of(&self.engine, &self.name.in_kind()).await?;
        let started = nodes.into_iter().map(|node| async move {
            let doing = || format!("inspect node {}", node.name);
            let inspected = self.engine.docker().inspect_container(&node.container, None).await.context(doing)?;
            let at = inspected.state.and_then(|state| state.started_at).unwrap_or_default();
            Ok::<_, ClusterError>((node.name, at))
        });
        Ok(try_join_all(started).await?.into_iter().collect())
    }

    async fn begin(&self, spec: &ClusterSpec) -> Result<ClusterState, ClusterError> {
        let kind_name = self.name.in_kind();
        enough_room(&self.engine, &self.name, spec).await?;
        let node_image_id = node_image_id(&self.engine, &spec.node_image).await?;
        let known = self.folder.state()?.is_some();
        if !known && !nodes_of(&self.engine, &kind_name).await?.is_empty() {
            return Err(ClusterError::NameTaken { name: self.name.to_string(), kind_name });
        }
        let state = ClusterState {
            name: self.name.clone(),
            spec: spec.clone(),
            fingerprint: spec.fingerprint(&node_image_id),
            node_image_id,
            network: kind_name,
            stage: Stage::Creating,
            owner: Owner::current(),
            created: Timestamp::now(),
            started: BTreeMap::new(),
            engine: Some(self.engine.address().to_string()),
            idle: None,
        };
        self.folder.keep(&state)?;
        Ok(state)
    }

    async fn make(
        &self,
        program: &std::path::Path,
        mut state: ClusterState,
        progress: &Progress<'_>,
    ) -> Result<Cluster, ClusterError> {
        network::make(&self.engine, &self.name).await?;
        let patches = self.folder.patches();
        patches::write(&patches)?;
        let path = self.folder.kind_config();
        fs::write(&path, config(&state.spec, &patches)).map_err(ClusterError::file("write", &path))?;
        let name = self.name.to_string();
        match command::create(&self.engine, program, &self.name, &self.folder, progress).await? {
            Outcome::Made => {}
            Outcome::Failed { status, output } => {
                // If the engine has stopped, that is the reason, whatever kind reports.
                nodes_of(&self.engine, &self.name.in_kind()).await?;
                return Err(ClusterError::Creation { name, status, output, journal: self.evidence(None).await });
            }
            Outcome::Kubelet { node, restarts } => {
                let journal = self.evidence(Some(&node)).await;
                return Err(ClusterError::Kubelet { name, node, restarts, journal });
            }
        }
        progress("waiting for nodes, name service and service accounts");
        let cluster = self.connect().await?;
        probe_names_often(&cluster, usize::from(state.spec.workers) + 1).await?;
        if let Err(unmet) = usable::usable(&cluster, USABLE_WITHIN).await {
            let journal = self.evidence(None).await;
            return Err(ClusterError::NotUsable { name, within: USABLE_WITHIN, state: unmet.to_string(), journal });
        }
        state.started = self.started().await?;
        state.stage = Stage::Usable;
        self.folder.keep(&state)?;
        Ok(cluster)
    }

    /// The end of the journal of this node, or of all nodes if none is named, and where the rest of the evidence is
    /// kept. Evidence that cannot be read is left out: the error that led here is the one to show.
    async fn evidence(&self, node: Option<&str>) -> String {
        let Ok(nodes) = nodes_of(&self.engine, &self.name.in_kind()).await else { return String::new() };
        if nodes.is_empty() {
            return String::new();
        }
        let sources = match self.connect().await {
            Ok(cluster) => Sources::from(&cluster),
            Err(_) => Sources { cluster: self.name.to_string(), client: None, machine: Some(self.machine()) },
        };
        let wanted: Vec<_> =
            nodes.into_iter().filter(|candidate| node.is_none_or(|node| candidate.name == node)).collect();
        let (journals, kept) =
            tokio::join!(journals(&self.engine, &wanted), diagnostics::on_failure(sources, &self.failed));
        match kept {
            Ok(folder) => format!("{journals}\nlogs, events and objects are in {}", folder.display()),
            Err(_) => journals,
        }
    }
}

#[async_trait]
impl Provider for Kind {
    async fn create(&self, spec: &ClusterSpec, progress: &Progress<'_>) -> Result<Cluster, ClusterError> {
        let program = Tool::KIND.check().await?.path;
        let state = self.begin(spec).await?;
        let made = self.make(&program, state, progress).await;
        if made.is_err() {
            // The state of what remains is stored, so that it is found later; the error that led here is the one to
            // report.
            let _ = delete(&self.engine, &self.name, &self.folder).await;
        }
        made
    }

    async fn delete(&self, _cluster: &Cluster) -> Result<(), ClusterError> {
        delete(&self.engine, &self.name, &self.folder).await
    }
}
