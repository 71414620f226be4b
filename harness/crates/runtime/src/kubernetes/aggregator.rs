//! The aggregator: a Deployment with a Service, created and changed by server-side apply.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, Service},
};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{
    STOP_GRACE,
    config::AggregatorObjects,
    names::{AGGREGATOR, Selector},
    pods::{Unready, Wanted},
    trial_namespace::TrialNamespace,
};
use crate::RuntimeError;

/// How long a pod may remain after its grace period is over.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(20);

/// Its pod.
pub(super) fn pod() -> Wanted {
    Wanted::new(Selector::of_part(AGGREGATOR).to_string(), 1)
}

/// Creates it; it is not ready yet.
pub(super) async fn start(place: &TrialNamespace, objects: &AggregatorObjects) -> Result<(), RuntimeError> {
    tokio::try_join!(
        place.apply::<Secret>(&objects.secret),
        place.apply::<Service>(&objects.service),
        place.apply::<Deployment>(&objects.deployment)
    )?;
    Ok(())
}

/// Sets its replicas to zero or one.
pub(super) async fn scale(place: &TrialNamespace, replicas: u8) -> Result<(), RuntimeError> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let scaled = place.api::<Deployment>().patch_scale(AGGREGATOR, &PatchParams::default(), &patch).await;
    scaled.map(drop).map_err(place.fail(format!("scale Deployment {}/{AGGREGATOR}", place.namespace)))
}

/// Starts it again with its first configuration, and waits until it is ready.
pub(super) async fn restart(place: &TrialNamespace, within: Duration) -> Result<Result<(), Unready>, RuntimeError> {
    scale(place, 0).await?;
    pod().delete(place, STOP_GRACE, STOP_GRACE + GONE_AFTER).await?;
    scale(place, 1).await?;
    Ok(pod().ready(place, within).await.map(drop))
}
