//! One reconcile of a Performer: it applies what the Performer needs, and writes the result into the status.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::{controller::Action, reflector::ObjectRef};

use super::{
    apply::Application, context::Context, drain, ended, error::ReconcileError, events::Happened, finalizer,
    orphan_pods, status,
};
use crate::{
    api::{Performer, PerformerPhase},
    desired,
    health::with_causes,
    metrics::Outcome,
};

/// How often a Performer is reconciled without any event, in addition to the watches, which miss nothing.
const AT_LEAST_EVERY: Duration = Duration::from_mins(10);
/// How long to wait for the end of an object that belongs to a Performer of the same name; its watch is faster.
const PREDECESSOR: Duration = Duration::from_secs(2);

/// Reconciles a Performer, and counts the reconcile.
pub(super) async fn reconcile(seen: Arc<Performer>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let object = ObjectRef::from_obj(&*seen);
    context.metrics.began(context.queue.taken(&object));
    let begun = Instant::now();
    let performer = context.written.newest(seen);
    ended::remove(&context, &performer).await;
    let ended = if performer.metadata.deletion_timestamp.is_some() {
        drain::drain(&context, performer).await
    } else {
        Box::pin(bring_about(&context, performer)).await
    };
    let outcome = match &ended {
        Ok(_) => Outcome::Success,
        Err(ReconcileError::Refused { .. }) => Outcome::Refused,
        Err(_) => Outcome::Error,
    };
    let took = begun.elapsed();
    context.metrics.ended(outcome, took);
    tracing::debug!(object = named(&object), ?outcome, ?took, "reconciled");
    if ended.is_ok() {
        context.backoffs.reset(&object);
    }
    ended
}

/// When a reconcile that failed is tried again.
#[expect(clippy::needless_pass_by_value, reason = "as the controller calls it")]
pub(super) fn after_error(performer: Arc<Performer>, error: &ReconcileError, context: Arc<Context>) -> Action {
    let object = ObjectRef::from_obj(&*performer);
    let pause = context.backoffs.next(&object);
    match error {
        // The watch delivers the change of the other writer, and with it the next reconcile.
        ReconcileError::Conflict { .. } | ReconcileError::Gone { .. } => {
            tracing::debug!(object = named(&object), error = with_causes(error), ?pause, "tried again");
        }
        error => tracing::warn!(object = named(&object), error = with_causes(error), ?pause, "failed, tried again"),
    }
    Action::requeue(pause)
}

/// Applies what `performer` needs.
async fn bring_about(context: &Context, performer: Arc<Performer>) -> Result<Action, ReconcileError> {
    let performer = finalizer::hold(context, performer).await?;
    let applied = apply(context, &performer).await;
    let (deployment, error) = match applied {
        Ok(deployment) => (deployment, None),
        Err(error @ ReconcileError::Refused { .. }) => {
            (context.stores.deployment(&performer).map(|deployment| Deployment::clone(&deployment)), Some(error))
        }
        Err(error) => return Err(error),
    };
    let refused = error.as_ref().map(ToString::to_string);
    let predecessor = deployment.is_none() && error.is_none();
    let (performer, again) = status::write(context, performer, deployment.as_ref(), refused).await?;
    let replaced = performer.status.as_ref().is_some_and(|status| status.phase == PerformerPhase::Running);
    orphan_pods::remove(context, &performer, replaced).await?;
    match error {
        Some(error) => Err(error),
        None if predecessor => Ok(Action::requeue(PREDECESSOR)),
        None => Ok(Action::requeue(again.unwrap_or(AT_LEAST_EVERY).min(AT_LEAST_EVERY))),
    }
}

/// The Deployment as the API server has it then; nothing while one of a Performer with the same name exists.
async fn apply(context: &Context, performer: &Performer) -> Result<Option<Deployment>, ReconcileError> {
    let references = context.references(performer).await?;
    let (client, applications) = (&context.client, &context.applications);
    let (services, deployments) = (context.stores.service(performer), context.stores.deployment(performer));
    let (service, deployment) = (desired::service(performer), desired::deployment(performer, &references));
    let (service, deployment) = tokio::join!(
        applications.apply(client, performer, "Service", services.as_deref(), service),
        applications.apply(client, performer, "Deployment", deployments.as_deref(), deployment),
    );
    let (service, deployment) = (service?, deployment?);
    let name = performer.object_name();
    let happened = match (&deployment, &service) {
        (Application::Created(_), _) => Some(("Created", format!("Deployment and Service {name} are created"))),
        (Application::Changed(_), _) => Some(("Updated", format!("Deployment {name} is brought up to date"))),
        (_, Application::Created(_)) => Some(("Created", format!("Service {name} is created"))),
        (_, Application::Changed(_)) => Some(("Updated", format!("Service {name} is brought up to date"))),
        _ => None,
    };
    if let Some((reason, note)) = happened {
        context.events.tell(performer, vec![Happened::normal(reason, "Apply", note)]);
    }
    Ok(deployment.object().filter(|_| service.object().is_some()).cloned())
}

fn named(object: &ObjectRef<Performer>) -> String {
    format!("{}/{}", object.namespace.as_deref().unwrap_or_default(), object.name)
}
