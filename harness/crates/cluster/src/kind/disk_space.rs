//! Checks that the engine's disk has room for the nodes of a cluster: kind would find out minutes later, when a kubelet
//! removes what it needs.

use std::path::{Path, PathBuf};

use hourglass_engine::{Engine, EngineContext as _};

use crate::{ClusterError, ClusterName, ClusterSpec};

/// What a new node writes, in bytes: 210 MiB when it is Ready, twice that with the images of a trial
/// (docs/performance.md).
pub const NODE_DISK: u64 = 512 << 20;

/// Fails if the disk below the engine's root is too small. A disk that this process cannot see is not checked.
pub(super) async fn enough_room(engine: &Engine, name: &ClusterName, spec: &ClusterSpec) -> Result<(), ClusterError> {
    if engine.address().socket().is_none() {
        return Ok(());
    }
    let info = engine.docker().info().await.context(|| "ask the Docker engine about itself".to_owned())?;
    match info.docker_root_dir.map(PathBuf::from).filter(|root| root.exists()) {
        Some(root) => judge(name, spec, &root),
        None => Ok(()),
    }
}

fn judge(name: &ClusterName, spec: &ClusterSpec, root: &Path) -> Result<(), ClusterError> {
    let Ok(space) = rustix::fs::statvfs(root) else { return Ok(()) };
    let nodes = u64::from(spec.workers) + 1;
    let (free, needed) = (space.f_bavail * space.f_frsize, nodes * NODE_DISK);
    if free >= needed {
        return Ok(());
    }
    Err(ClusterError::NoRoom { name: name.to_string(), folder: root.to_owned(), free, needed })
}
