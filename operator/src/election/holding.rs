//! Keeps the Lease.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    ElectionError,
    lease::{Slot, holder},
};
use crate::{config::LeaderElection, health::words};

/// The Lease, held. If it is dropped without being given back, it expires.
pub(crate) struct Holding {
    slot: Slot,
    lease: Lease,
    timings: LeaderElection,
    renewed: Instant,
}

/// The result of a try to renew.
enum Renewal {
    Renewed(Lease),
    /// Somebody changed the Lease: its present state.
    Changed(Lease),
    Failed(Option<kube::Error>),
}

impl Holding {
    pub(super) fn new(slot: Slot, lease: Lease, timings: LeaderElection) -> Self {
        Self { slot, lease, timings, renewed: Instant::now() }
    }

    /// Renews the Lease for as long as that is possible; returns when it is no longer held.
    ///
    /// Dropping this future is safe, and nothing is renewed without it.
    pub(crate) async fn keep(&mut self) -> ElectionError {
        let mut pause = self.timings.retry_period;
        loop {
            sleep(pause).await;
            let deadline = self.renewed + self.timings.renew_deadline;
            let begun = Instant::now();
            let renewal = match timeout_at(deadline, self.renew()).await {
                Ok(renewal) => renewal,
                Err(_) => Renewal::Failed(None),
            };
            pause = self.timings.retry_period;
            match renewal {
                Renewal::Renewed(lease) => {
                    self.lease = lease;
                    self.renewed = begun;
                }
                Renewal::Changed(lease) => match holder(&lease) {
                    Some(holder) if holder == self.slot.identity => {
                        self.lease = lease;
                        pause = Duration::ZERO;
                    }
                    other => {
                        let holder = other.unwrap_or("nobody").to_owned();
                        return ElectionError::Taken { lease: self.slot.lease(), holder };
                    }
                },
                Renewal::Failed(source) => {
                    let words = source.as_ref().map_or_else(|| "no answer".to_owned(), words);
                    tracing::warn!(lease = self.slot.lease(), error = words, "the Lease cannot be renewed");
                    if Instant::now() >= deadline {
                        let within = self.timings.renew_deadline;
                        let source = source.map(Box::new);
                        return ElectionError::NotRenewed { lease: self.slot.lease(), within, source };
                    }
                }
            }
        }
    }

    /// Gives the Lease back, so that a standby need not wait until it expires. If that fails, it expires.
    pub(crate) async fn release(self) {
        let released = timeout(self.timings.renew_deadline, self.give_back()).await;
        match released {
            Ok(Ok(())) => tracing::info!(lease = self.slot.lease(), "the Lease is given back"),
            Ok(Err(error)) => {
                tracing::warn!(lease = self.slot.lease(), error = words(&error), "the Lease cannot be given back");
            }
            Err(_) => {
                tracing::warn!(lease = self.slot.lease(), "no answer: the Lease is not given back");
            }
        }
    }

    /// A renewal that was in progress when the operator was told to end may have succeeded: the Lease then has another
    /// version.
    async fn give_back(&self) -> kube::Result<()> {
        let mut lease = self.lease.clone();
        loop {
            match self.slot.release(&lease).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                released => return released.map(drop),
            }
            match self.slot.read().await? {
                Some(now) if holder(&now) == Some(&*self.slot.identity) => lease = now,
                _ => return Ok(()),
            }
        }
    }

    async fn renew(&self) -> Renewal {
        let error = match self.slot.hold(&self.lease).await {
            Ok(lease) => return Renewal::Renewed(lease),
            Err(error) => error,
        };
        let changed = matches!(&error, kube::Error::Api(status) if status.is_conflict() || status.is_not_found());
        if !changed {
            return Renewal::Failed(Some(error));
        }
        match self.slot.read().await {
            Ok(Some(lease)) => Renewal::Changed(lease),
            // A removed Lease belongs to the first candidate that creates it.
            Ok(None) => Renewal::Changed(Lease::default()),
            Err(error) => Renewal::Failed(Some(error)),
        }
    }
}
