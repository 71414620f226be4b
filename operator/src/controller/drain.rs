//! The end of a Performer: its pods end first, but the operator waits no longer than its configuration allows.

use std::{sync::Arc, time::Duration};

use k8s_openapi::{api::apps::v1::Deployment, jiff::Timestamp};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use serde_json::json;

use super::{
    MANAGER,
    context::Context,
    error::{ReconcileError, ask},
    events::Happened,
    finalizer, orphan_pods, status,
};
use crate::{age::age, api::Performer};

/// The finalizer of a removal that keeps the object's dependents.
const ORPHAN: &str = "orphan";

/// One step towards the end of `performer`, which is being deleted.
pub(super) async fn drain(context: &Context, performer: Arc<Performer>) -> Result<Action, ReconcileError> {
    if !finalizer::holds(&performer) {
        return Ok(Action::await_change());
    }
    if performer.finalizers().iter().any(|finalizer| finalizer == ORPHAN) {
        finalizer::release(context, &performer).await?;
        return Ok(Action::await_change());
    }
    let deployment = context.stores.deployment(&performer);
    let left = time_left(context, &performer);
    let pods = context.stores.pods(&performer);
    let waits = if left.is_zero() {
        false
    } else {
        // A Service of a Deployment that is scaled down selects nothing, and the pods have their grace period to
        // finish. The API server may refuse the scaling. The Performer is removed anyway, and owner references do the
        // rest.
        let asked = [
            scale_down(context, &performer, deployment.as_deref()).await,
            orphan_pods::remove(context, &performer, true).await,
        ];
        for asked in asked {
            match asked {
                Ok(()) | Err(ReconcileError::Refused { .. } | ReconcileError::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        !pods.is_empty() || deployment.as_deref().is_some_and(|deployment| !has_ended(deployment))
    };
    let (performer, _) = status::write(context, performer, deployment.as_deref(), None).await?;
    if waits {
        return Ok(Action::requeue(left));
    }
    if left.is_zero() && !pods.is_empty() {
        let names: Vec<_> = pods.iter().map(|pod| pod.name_any()).collect();
        let waited = humantime::format_duration(context.drain);
        let note = format!("removed after {waited} though it has not drained: {}", names.join(", "));
        context.events.tell(&performer, vec![Happened::warning("DrainTimedOut", "Drain", note)]);
    }
    finalizer::release(context, &performer).await?;
    Ok(Action::await_change())
}

/// How long the operator may still wait for pods.
fn time_left(context: &Context, performer: &Performer) -> Duration {
    let deleted = performer.metadata.deletion_timestamp.as_ref().map_or_else(Timestamp::now, |time| time.0);
    context.drain.saturating_sub(age(deleted, Timestamp::now()))
}

async fn scale_down(
    context: &Context,
    performer: &Performer,
    deployment: Option<&Deployment>,
) -> Result<(), ReconcileError> {
    let Some(deployment) = deployment else { return Ok(()) };
    if deployment.spec.as_ref().and_then(|spec| spec.replicas) == Some(0) {
        return Ok(());
    }
    // Not applied: apply would create the Deployment again if it is gone already.
    let patch = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let name = deployment.name_any();
    let api = Api::<Deployment>::namespaced(context.client.clone(), &performer.namespace().unwrap_or_default());
    ask(performer, format!("scale down Deployment {name}"), api.patch(&name, &params, &patch)).await?;
    Ok(())
}

/// Whether `deployment` will create no more pods.
fn has_ended(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    let status = deployment.status.clone().unwrap_or_default();
    wanted == Some(0)
        && status.observed_generation >= deployment.metadata.generation
        && status.replicas.unwrap_or_default() == 0
}
