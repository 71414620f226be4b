//! One controller for each namespace that is watched, or one for all.

use std::sync::Arc;

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, join_all},
};
use kube::{
    Client,
    runtime::{
        applier,
        controller::Error,
        events::{Recorder, Reporter},
    },
};
use tokio_util::sync::CancellationToken;

use super::{MANAGER, context::Context, reconcile, stores::Scope};
use crate::{config::OperatorConfig, health::Health, metrics::Metrics};

/// How many Performers a controller reconciles at once: enough that none waits for a slow answer, and few enough that a
/// restart with hundreds of them does not flood the API server.
const CONCURRENCY: u16 = 32;

/// All controllers of this operator.
pub(crate) struct Controllers(Vec<Arc<Context>>);

impl Controllers {
    /// Controllers for `config`. They send nothing to the API server before they are driven.
    pub(crate) fn new(
        client: &Client,
        config: &OperatorConfig,
        identity: &str,
        metrics: &Arc<Metrics>,
        health: &Arc<Health>,
    ) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(identity.to_owned()) };
        let recorder = Recorder::new(client.clone(), reporter);
        let scopes = if config.watch_namespaces.is_empty() {
            vec![Scope::All]
        } else {
            config.watch_namespaces.iter().cloned().map(Scope::Namespace).collect()
        };
        let controller = |scope| {
            let drain = config.drain.timeout;
            Arc::new(Context::new(client.clone(), scope, recorder.clone(), drain, metrics.clone(), health.clone()))
        };
        Self(scopes.into_iter().map(controller).collect())
    }

    /// The tasks that fill the stores of all controllers, whether they act or stand by. None of them ends by itself.
    pub(crate) fn watches(&self) -> Vec<BoxFuture<'static, ()>> {
        self.0.iter().flat_map(Context::watches).collect()
    }

    /// Acts on all Performers until `stop`, and then until the running reconciles have ended.
    pub(crate) async fn act(&self, stop: CancellationToken) {
        join_all(self.0.iter().map(|context| act(context.clone(), stop.clone()))).await;
    }
}

async fn act(context: Arc<Context>, stop: CancellationToken) {
    // Desired state that is computed from stores that are still filling replaces pods needlessly.
    let synced = tokio::select! {
        synced = context.stores.synced() => synced.is_ok(),
        () = stop.cancelled() => false,
    };
    if !synced {
        return;
    }
    let queue = context.queue.open();
    context.enqueue_all();
    let config = kube::runtime::controller::Config::default().concurrency(CONCURRENCY);
    let store = context.stores.performers.clone();
    let reconciles = applier(
        |performer, context| reconcile::reconcile(performer, context).boxed(),
        reconcile::after_error,
        context.clone(),
        store,
        queue.take_until(stop.cancelled_owned()),
        config,
    );
    reconciles
        .for_each(|ended| {
            if let Err(Error::ObjectNotFound(object)) = ended {
                context.forget(&(*object).into_kind_unchecked(()));
            }
            std::future::ready(())
        })
        .await;
    context.queue.close();
}
