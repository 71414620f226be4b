//! The finalizer, which keeps a Performer until it has drained.

use std::sync::Arc;

use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{
    MANAGER,
    context::Context,
    error::{ReconcileError, ask},
};
use crate::api::{FINALIZER, Performer};

/// Whether `performer` has the operator's finalizer.
pub(super) fn holds(performer: &Performer) -> bool {
    performer.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Adds the finalizer to `performer` if it is missing.
pub(super) async fn hold(context: &Context, performer: Arc<Performer>) -> Result<Arc<Performer>, ReconcileError> {
    if holds(&performer) {
        return Ok(performer);
    }
    let finalizers = performer.finalizers().iter().map(String::as_str).chain([FINALIZER]).collect();
    let doing = format!("add the finalizer to Performer {}", performer.name_any());
    let held = set(context, &performer, finalizers, doing).await?;
    Ok(context.written.remember(&performer, held))
}

/// Removes the finalizer from `performer`.
pub(super) async fn release(context: &Context, performer: &Performer) -> Result<(), ReconcileError> {
    let finalizers = performer.finalizers().iter().map(String::as_str).filter(|held| *held != FINALIZER).collect();
    let doing = format!("remove the finalizer of Performer {}", performer.name_any());
    match set(context, performer, finalizers, doing).await {
        Ok(released) => {
            context.written.remember(performer, released);
            Ok(())
        }
        Err(ReconcileError::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refused if `performer` has another version by now: finalizers of others must not be lost.
async fn set(
    context: &Context,
    performer: &Performer,
    finalizers: Vec<&str>,
    doing: String,
) -> Result<Performer, ReconcileError> {
    let metadata = json!({"resourceVersion": performer.resource_version(), "finalizers": finalizers});
    let patch = Patch::Merge(json!({"metadata": metadata}));
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let api = Api::<Performer>::namespaced(context.client.clone(), &performer.namespace().unwrap_or_default());
    ask(performer, doing, api.patch(&performer.name_any(), &params, &patch)).await
}
