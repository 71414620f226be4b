//! The removal of clusters that nobody uses.

use std::{fs, time::Duration};

use hourglass_engine::{Engine, nodes_of};
use tokio::time::sleep;

use super::{
    holders::{holders_of, in_use_by},
    locks::Locks,
};
use crate::{
    ClusterError, ClusterFolder, ClusterFolders, ClusterName, ClusterState, Stage,
    kind::{delete, end_makers},
};

/// What a killed maker asked of the engine may still come, and no event tells that nothing will.
const PAUSE: Duration = Duration::from_secs(1);
/// So many looks in a row must find nothing.
const LOOKS: u32 = 2;
/// More than that nobody can have asked for.
const MOST_LOOKS: u32 = 10;

/// What came of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is left of it.
    Done,
    /// Somebody uses it, makes it or removes it: it was left alone. Says who, as `in use by process 12`.
    LeftAlone(String),
}

/// Removes a cluster of this machine unless somebody uses it.
pub async fn remove(engine: &Engine, folders: &ClusterFolders, name: &ClusterName) -> Result<Removal, ClusterError> {
    let locks = Locks::of(folders);
    let folder = folders.folder_of(name);
    let Some(gate) = locks.gate(name).try_exclusive()? else {
        return Ok(Removal::LeftAlone(busy(&locks, name, &folder)));
    };
    if let Ok(Some(state)) = folder.state() {
        is_in(engine, &state)?;
    }
    let removal = discard(engine, folders, &locks, name).await?;
    if removal == Removal::Done {
        gate.remove()?;
    }
    Ok(removal)
}

/// Whether a cluster is in this engine.
pub(super) fn is_in(engine: &Engine, state: &ClusterState) -> Result<(), ClusterError> {
    let engine = engine.address().to_string();
    match &state.engine {
        Some(other) if *other != engine => {
            Err(ClusterError::OtherEngine { name: state.name.to_string(), engine, other: other.clone() })
        }
        _ => Ok(()),
    }
}

/// Like [`remove`], for who has the gate alone.
pub(super) async fn discard(
    engine: &Engine,
    folders: &ClusterFolders,
    locks: &Locks,
    name: &ClusterName,
) -> Result<Removal, ClusterError> {
    let Some(alone) = locks.lease(name).try_exclusive()? else {
        return Ok(Removal::LeftAlone(in_use_by(&holders_of(locks, name))));
    };
    let folder = folders.folder_of(name);
    let state = folder.state().ok().flatten();
    let deleting = state.clone().map(|state| ClusterState { stage: Stage::Deleting, ..state });
    let remember = || {
        // A full disk is a reason to remove clusters, not to keep them.
        deleting.as_ref().map(|deleting| folder.keep(deleting).ok());
    };
    remember();
    end_makers(&folder).await?;
    delete(engine, name, &folder).await?;
    if state.is_some_and(|state| state.stage != Stage::Usable) {
        remember();
        settle(engine, name, &folder).await?;
    }
    alone.remove()?;
    // Records of processes that are gone; without the folder they would be of another cluster.
    let _ = fs::remove_dir_all(locks.holders(name));
    tracing::info!(cluster = %name, "cluster removed");
    Ok(Removal::Done)
}

/// Removes what still comes of a cluster whose making or removal was broken off.
async fn settle(engine: &Engine, name: &ClusterName, folder: &ClusterFolder) -> Result<(), ClusterError> {
    let mut quiet = 0;
    for _ in 0..MOST_LOOKS {
        sleep(PAUSE).await;
        quiet = if nodes_of(engine, &name.in_kind()).await?.is_empty() { quiet + 1 } else { 0 };
        if quiet == LOOKS {
            break;
        }
        if quiet == 0 {
            delete(engine, name, folder).await?;
        }
    }
    // Networks as well, which are there before the first node is.
    delete(engine, name, folder).await
}

fn busy(locks: &Locks, name: &ClusterName, folder: &ClusterFolder) -> String {
    let holders = holders_of(locks, name);
    if !holders.is_empty() {
        return in_use_by(&holders);
    }
    match folder.state() {
        Ok(Some(ClusterState { stage: Stage::Creating, owner: Some(owner), .. })) => {
            format!("being made by process {}", owner.pid)
        }
        Ok(Some(ClusterState { stage: Stage::Deleting, .. })) => "being removed".to_owned(),
        _ => "being looked after by another process".to_owned(),
    }
}
