//! Writes the status if it has changed.

use std::{sync::Arc, time::Duration};

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};
use kube::{
    Api, Resource as _, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{
    MANAGER,
    context::Context,
    error::{ReconcileError, ask},
    events,
};
use crate::{
    api::Performer,
    status::{self, Observed},
};

/// Computes the status of `performer`, writes it, and publishes what happened. Gives the Performer as it is then, and
/// when its status must be computed again even without an event.
pub(super) async fn write(
    context: &Context,
    performer: Arc<Performer>,
    deployment: Option<&Deployment>,
    refused: Option<String>,
) -> Result<(Arc<Performer>, Option<Duration>), ReconcileError> {
    let pods = context.stores.pods(&performer);
    let pods: Vec<&Pod> =
        pods.iter().map(AsRef::as_ref).filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    let now = Time(Timestamp::now());
    // A pod that is not ready is never an endpoint; nothing else excludes it.
    let observed = Observed { performer: &performer, deployment, pods, endpoint_ready: true, refused, now };
    let status = status::of(&observed);
    let again = status::changes_in(&observed);
    if performer.status.as_ref() == Some(&status) {
        return Ok((performer, again));
    }
    let name = performer.name_any();
    let patch = Patch::Apply(json!({
        "apiVersion": Performer::api_version(&()),
        "kind": Performer::kind(&()),
        // The uid protects another Performer of the same name.
        "metadata": {"name": name, "uid": performer.uid()},
        "status": status,
    }));
    let api = Api::<Performer>::namespaced(context.client.clone(), &performer.namespace().unwrap_or_default());
    let params = PatchParams::apply(MANAGER).force();
    let writing = api.patch_status(&name, &params, &patch);
    let written = ask(&performer, format!("write the status of Performer {name}"), writing).await?;
    let written = context.written.remember(&performer, written);
    let happened = events::between(performer.status.as_ref(), &status);
    context.events.tell(&written, happened);
    Ok((written, again))
}
