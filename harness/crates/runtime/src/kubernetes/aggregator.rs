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
pub(super) async fn start(trial_namespace: &TrialNamespace, objects: &AggregatorObjects) -> Result<(), RuntimeError> {
    tokio::try_join!(
        trial_namespace.apply::<Secret>(&objects.secret),
        trial_namespace.apply::<Service>(&objects.service),
        trial_namespace.apply::<Deployment>(&objects.deployment)
    )?;
    Ok(())
}

/// Sets its replicas to zero or one.
pub(super) async fn scale(trial_namespace: &TrialNamespace, replicas: u8) -> Result<(), RuntimeError> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let scaled = trial_namespace.api::<Deployment>().patch_scale(AGGREGATOR, &PatchParams::default(), &patch).await;
    scaled
        .map(drop)
        .map_err(trial_namespace.fail(format!("scale Deployment {}/{AGGREGATOR}", trial_namespace.namespace)))
}

/// Starts it again with its first configuration, and waits until it is ready.
pub(super) async fn restart(
    trial_namespace: &TrialNamespace,
    within: Duration,
) -> Result<Result<(), Unready>, RuntimeError> {
    scale(trial_namespace, 0).await?;
    pod().delete(trial_namespace, STOP_GRACE, STOP_GRACE + GONE_AFTER).await?;
    scale(trial_namespace, 1).await?;
    Ok(pod().ready(trial_namespace, within).await.map(drop))
}
