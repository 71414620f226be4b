//! Removes the harness's operator, with all that came with it.

use std::time::Duration;

use hourglass_operator::api::Performer;
use kube::{Api, api::ListParams};
use serde_json::Value;

use super::{NAME, NAMESPACE, OperatorError, crd, home, locks::OperatorLocks};
use crate::{
    Cluster, ClusterError,
    helm::{Chart, Helm, Release},
    namespace::free_of_runs,
};

/// How long namespaces of trials that have ended may take to be removed.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// Removes the operator that the harness installed in an existing cluster, unless somebody uses it; returns whether it
/// is gone. The definition of Performer is removed too if no Performer is left.
pub async fn remove_unused(cluster: &Cluster) -> Result<bool, OperatorError> {
    let locks = OperatorLocks::of(cluster).await?;
    let Some(_alone) = locks.try_alone()? else { return Ok(false) };
    if !home::is_there(cluster).await? {
        return Ok(false);
    }
    // Of trials on other machines, only their namespaces are known.
    if !free_of_runs(cluster, GONE_WITHIN).await? {
        return Ok(false);
    }
    let helm = Helm::of(cluster).await?;
    let release = Release {
        name: NAME.to_owned(),
        namespace: NAMESPACE.to_owned(),
        chart: Chart::OPERATOR.unpack()?,
        values: Value::Null,
    };
    withdraw(&helm, &release, true).await?;
    Ok(true)
}

/// Removes the release and its namespace. Removes the definition if that is requested, the harness created it, and
/// nothing is lost.
pub(super) async fn withdraw(helm: &Helm, release: &Release, definition: bool) -> Result<(), OperatorError> {
    let cluster = helm.cluster();
    release.uninstall(helm).await?;
    home::remove(cluster).await?;
    if definition {
        remove_definition(cluster).await?;
    }
    Ok(())
}

async fn remove_definition(cluster: &Cluster) -> Result<(), OperatorError> {
    let Some(found) = crd::find(cluster).await?.filter(crd::is_ours) else { return Ok(()) };
    // Before the definition is established there can be no Performers, and a request for them fails.
    if crd::is_established(&found) {
        let performers = Api::<Performer>::all(cluster.client.clone());
        let left = performers.list_metadata(&ListParams::default().limit(1)).await;
        if !left.map_err(ClusterError::api(&cluster.name, "list Performers"))?.items.is_empty() {
            return Ok(());
        }
    }
    // Until it is gone nobody can install it again. If something holds it, the next installation reports that.
    crd::remove(cluster, &found).await?;
    Ok(())
}
