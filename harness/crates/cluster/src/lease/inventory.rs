//! Lists the clusters on this machine with their condition.

use std::path::PathBuf;

use futures::future::join_all;
use hourglass_component::causes::with_causes;
use hourglass_engine::{Engine, EngineError};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    discard::is_in,
    holders::{Holder, holders_of},
    idle::process,
    locks::Locks,
};
use crate::{
    ClusterError, ClusterFolders, ClusterName, ClusterSpec, ClusterState, Fingerprint, Stage, health, kind::Kind,
};

/// How a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It is being made.
    Creating,
    /// It can be used, and nobody does.
    Idle,
    /// Somebody uses it.
    InUse,
    /// It cannot be used as it is: who wants it next heals or replaces it.
    Broken,
}

/// A cluster of this machine.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FoundCluster {
    /// Its name.
    pub name: ClusterName,
    /// How it is.
    pub condition: Condition,
    /// What is wrong with it.
    pub why: Option<String>,
    /// The version of Kubernetes that its API server says.
    pub kubernetes: Option<String>,
    /// What it was asked to be like.
    pub spec: Option<ClusterSpec>,
    /// Which trials it suits.
    pub fingerprint: Option<Fingerprint>,
    /// The process that makes it, while it does.
    pub maker: Option<u32>,
    /// When its making began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub created: Option<Timestamp>,
    /// When it was used last.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub used: Option<Timestamp>,
    /// When it may be removed if nobody uses it until then.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires: Option<Timestamp>,
    /// Who uses it.
    pub holders: Vec<Holder>,
    /// Leads to it.
    pub kubeconfig: PathBuf,
}

/// Checks all clusters concurrently; without an engine, clusters that should be usable are broken.
pub async fn look(
    engine: Result<&Engine, &EngineError>,
    folders: &ClusterFolders,
) -> Result<Vec<FoundCluster>, ClusterError> {
    let locks = Locks::of(folders);
    let names = folders.names()?;
    Ok(join_all(names.into_iter().map(|name| look_at(engine, folders, &locks, name))).await)
}

async fn look_at(
    engine: Result<&Engine, &EngineError>,
    folders: &ClusterFolders,
    locks: &Locks,
    name: ClusterName,
) -> FoundCluster {
    let folder = folders.folder_of(&name);
    let holders = holders_of(locks, &name);
    let used = locks.lease(&name).used().and_then(|used| Timestamp::try_from(used).ok());
    let found = FoundCluster {
        condition: if holders.is_empty() { Condition::Idle } else { Condition::InUse },
        why: None,
        kubernetes: None,
        spec: None,
        fingerprint: None,
        maker: None,
        created: None,
        used,
        expires: None,
        holders,
        kubeconfig: folder.kubeconfig(),
        name,
    };
    let broken = |found: FoundCluster, why| FoundCluster { condition: Condition::Broken, why: Some(why), ..found };
    let state = match folder.state() {
        Err(error) => return broken(found, with_causes(&error)),
        Ok(None) => return broken(found, "nothing is remembered of it".to_owned()),
        Ok(Some(state)) => state,
    };
    let found = FoundCluster {
        spec: Some(state.spec.clone()),
        fingerprint: Some(state.fingerprint.clone()),
        created: Some(state.created),
        expires: expires(&found, &state),
        ..found
    };
    match (state.stage, &state.owner) {
        (Stage::Creating, Some(owner)) if owner.is_alive() => {
            FoundCluster { condition: Condition::Creating, maker: Some(owner.pid), ..found }
        }
        (Stage::Creating, owner) => broken(found, format!("its maker{} is gone", process(owner.as_ref()))),
        (Stage::Deleting, _) => broken(found, "it is being removed".to_owned()),
        (Stage::Usable, _) => match usable(engine, folders, &state).await {
            Ok(version) => FoundCluster { kubernetes: version, ..found },
            Err(why) => broken(found, why),
        },
    }
}

fn expires(found: &FoundCluster, state: &ClusterState) -> Option<Timestamp> {
    let idle = SignedDuration::try_from(state.idle?).ok()?;
    found.used.unwrap_or(state.created).checked_add(idle).ok().filter(|_| found.holders.is_empty())
}

/// The version of Kubernetes, if the API server reports it.
async fn usable(
    engine: Result<&Engine, &EngineError>,
    folders: &ClusterFolders,
    state: &ClusterState,
) -> Result<Option<String>, String> {
    let engine = engine.map_err(|error| with_causes(error))?;
    is_in(engine, state).map_err(|error| error.to_string())?;
    let kind = Kind::new(engine.clone(), folders, state.name.clone());
    let cluster = health::check(&kind, state).await.map_err(|unfit| unfit.to_string())?;
    Ok(cluster.client.apiserver_version().await.ok().map(|version| version.git_version))
}
