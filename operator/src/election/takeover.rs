//! Waits for the Lease and takes it.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    runtime::{watcher, watcher::Event},
};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Holding,
    lease::{Slot, duration, holder},
};
use crate::{
    config::LeaderElection,
    health::{Health, Role, with_causes, words},
    pauses::Pauses,
};

/// The shortest duration that a held Lease is taken to have, whatever it says.
const SHORTEST: Duration = Duration::from_secs(1);

/// An operator that wants to become the leader.
pub(crate) struct Candidate {
    slot: Slot,
    timings: LeaderElection,
    health: Arc<Health>,
}

/// What is known about the Lease.
struct Seen {
    /// `None` if it does not exist.
    lease: Option<Lease>,
    /// When it was last seen to change, by this machine's clock.
    at: Instant,
    /// After a try that failed: when it may be tried again.
    not_before: Instant,
}

impl Candidate {
    /// A candidate called `identity`, a unique name. The Lease is in `namespace`.
    pub(crate) fn new(
        client: Client,
        namespace: String,
        identity: String,
        timings: LeaderElection,
        health: Arc<Health>,
    ) -> Self {
        let api = Api::namespaced(client, &namespace);
        let slot = Slot { api, namespace, name: timings.name.clone(), identity, duration: timings.lease_duration };
        Self { slot, timings, health }
    }

    /// Waits until the Lease is held. A broken watch only delays this.
    pub(crate) async fn win(&self) -> Holding {
        tracing::info!(lease = self.slot.lease(), identity = self.slot.identity, "waiting for the Lease");
        let config = watcher::Config::default().fields(&self.slot.selector());
        let watch = || watcher(self.slot.api.clone(), config.clone()).boxed();
        let mut events = watch();
        let mut pauses = Pauses::default();
        let mut listed = None;
        let mut seen: Option<Seen> = None;
        loop {
            // A Lease that has not been seen yet cannot be taken.
            let free_at = seen.as_ref().map(|seen| self.free_at(seen));
            let free = async {
                match free_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(Event::Init)) => listed = None,
                    Some(Ok(Event::InitApply(lease))) => listed = Some(lease),
                    Some(Ok(Event::InitDone)) => {
                        pauses = Pauses::default();
                        self.see(&mut seen, listed.take());
                    }
                    Some(Ok(Event::Apply(lease))) => self.see(&mut seen, Some(lease)),
                    Some(Ok(Event::Delete(_))) => self.see(&mut seen, None),
                    Some(Err(error)) => {
                        tracing::warn!(lease = self.slot.lease(), error = with_causes(&error), "the Lease cannot be watched");
                        pauses.pause().await;
                        events = watch();
                    }
                    // The watcher never ends.
                    None => std::future::pending::<()>().await,
                },
                () = free => {
                    let Some(known) = seen.as_mut() else { continue };
                    if let Some(lease) = self.take(known).await {
                        return Holding::new(self.slot.clone(), lease, self.timings.clone());
                    }
                    // The watch shows it if another candidate was faster; an API server that is away is asked again
                    // later.
                    known.not_before = Instant::now() + self.timings.retry_period;
                }
            }
        }
    }

    fn see(&self, seen: &mut Option<Seen>, lease: Option<Lease>) {
        let version = |lease: &Option<Lease>| lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        let changed = seen.as_ref().is_none_or(|seen| version(&seen.lease) != version(&lease) || lease.is_none());
        let leader = lease.as_ref().and_then(holder).map(ToOwned::to_owned);
        self.health.becomes(Role::Standby { leader });
        if changed {
            let at = Instant::now();
            *seen = Some(Seen { lease, at, not_before: at });
        }
    }

    /// When the Lease may be taken.
    fn free_at(&self, seen: &Seen) -> Instant {
        let runs_out = match &seen.lease {
            Some(lease) if holder(lease).is_some_and(|holder| holder != self.slot.identity) => {
                seen.at + duration(lease).max(SHORTEST)
            }
            _ => seen.at,
        };
        runs_out.max(seen.not_before)
    }

    async fn take(&self, seen: &Seen) -> Option<Lease> {
        let taken = async {
            match &seen.lease {
                Some(lease) => self.slot.hold(lease).await,
                None => self.slot.create().await,
            }
        };
        match timeout(self.timings.retry_period, taken).await {
            Ok(Ok(lease)) => Some(lease),
            Ok(Err(kube::Error::Api(status))) if status.is_conflict() || status.is_already_exists() => {
                tracing::info!(lease = self.slot.lease(), "another operator was faster to take the Lease");
                None
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = self.slot.lease(), error = words(&error), "the Lease cannot be taken");
                None
            }
            Err(_) => {
                tracing::warn!(lease = self.slot.lease(), "the API server does not answer: the Lease cannot be taken");
                None
            }
        }
    }
}
