//! The cluster's warnings in a trial's namespace, in the timeline: failing probes, missing images, quotas.

use std::pin::pin;

use futures::TryStreamExt as _;
use hourglass_timeline::{Event, Timeline};
use k8s_openapi::api::core::v1::Event as ClusterEvent;
use kube::{
    Api,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::trial_namespace::TrialNamespace;

/// Follows the warnings until this is dropped.
#[derive(Debug)]
pub(super) struct Warnings {
    _following: AbortOnDropHandle<()>,
}

impl Warnings {
    pub(super) fn start(trial_namespace: &TrialNamespace, timeline: &Timeline) -> Self {
        let (api, timeline) = (trial_namespace.api::<ClusterEvent>(), timeline.clone());
        Self {
            _following: AbortOnDropHandle::new(tokio::spawn(
                async move { follow(api, &timeline).await }.in_current_span(),
            )),
        }
    }
}

async fn follow(api: Api<ClusterEvent>, timeline: &Timeline) {
    let config = watcher::Config::default().fields("type=Warning");
    let mut events = pin!(watcher(api, config).default_backoff());
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Apply(event) | watcher::Event::InitApply(event))) => timeline.record(told(&event)),
            Ok(None) => return,
            // The watch is resumed; other code detects that the cluster is gone.
            Ok(Some(_)) | Err(_) => {}
        }
    }
}

fn told(event: &ClusterEvent) -> Event {
    let about = &event.involved_object;
    let kind = about.kind.as_deref().unwrap_or_default().to_lowercase();
    let name = about.name.as_deref().unwrap_or_default();
    let reason = event.reason.as_deref().unwrap_or_default();
    let message = event.message.as_deref().unwrap_or_default().trim().replace('\n', " ");
    Event::of_harness(format!("the cluster warns of {kind} {name}: {reason}: {message}"))
}
