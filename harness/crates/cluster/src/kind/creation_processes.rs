//! What goes on making a cluster when the process that wanted it was killed: kind, and what kind has started.

use hourglass_reaper::kill_carriers;
use tokio::task::spawn_blocking;

use crate::{ClusterError, ClusterFolder};

/// Names the folder of the cluster in the environment of whatever makes it.
pub(super) const MAKER_VARIABLE: &str = "HOURGLASS_CLUSTER_FOLDER";

/// Kills whatever still makes a cluster, and waits until it is gone.
pub(crate) async fn end_makers(folder: &ClusterFolder) -> Result<(), ClusterError> {
    let path = folder.path().to_owned();
    let fail = |source| ClusterError::Makers { path: path.clone(), source };
    let value = path.to_string_lossy().into_owned();
    let killed = spawn_blocking(move || kill_carriers((MAKER_VARIABLE, &value))).await;
    killed.map_err(|error| fail(error.into()))?.map_err(fail)?;
    Ok(())
}
