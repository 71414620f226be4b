//! Processes that go on making a cluster after their harness was killed: kind, and what kind has started.

use hourglass_reaper::kill_carriers;
use tokio::task::spawn_blocking;

use crate::{ClusterError, ClusterFolder};

/// Names the cluster's folder in the environment of all processes that make the cluster.
pub(super) const MAKER_VARIABLE: &str = "HOURGLASS_CLUSTER_FOLDER";

/// Kills the processes that still make a cluster, and waits until they are gone.
pub(crate) async fn end_makers(folder: &ClusterFolder) -> Result<(), ClusterError> {
    let path = folder.path().to_owned();
    let fail = |source| ClusterError::Makers { path: path.clone(), source };
    let value = path.to_string_lossy().into_owned();
    let killed = spawn_blocking(move || kill_carriers((MAKER_VARIABLE, &value))).await;
    killed.map_err(|error| fail(error.into()))?.map_err(fail)?;
    Ok(())
}
