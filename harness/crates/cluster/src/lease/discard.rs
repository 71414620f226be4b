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

/// Requests of a killed maker may still reach the engine, and no event tells that none will.
const PAUSE: Duration = Duration::from_secs(1);
/// So many checks in a row must find nothing.
const LOOKS: u32 = 2;
/// No maker can have requested more than that.
const MOST_LOOKS: u32 = 10;

/// The result of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Nothing of it remains.
    Done,
    /// A process uses it, makes it or removes it, so it was left alone. Says which, as `in use by process 12`.
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

/// Does the same as [`remove`]; the caller must hold the gate exclusively.
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
    // The records belong to processes that are gone; if they stayed, they would count for a later cluster of this name.
    let _ = fs::remove_dir_all(locks.holders(name));
    tracing::info!(cluster = %name, "cluster removed");
    Ok(Removal::Done)
}

/// Removes what still appears of a cluster whose creation or removal was interrupted.
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
    // This includes networks, which exist before the first node does.
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
