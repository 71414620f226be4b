//! The Lease as the API server has it, and its states.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api,
    api::{ListParams, ObjectMeta, PostParams},
};

/// The holder of a Lease, if there is one.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long the holder may leave it unrenewed; zero if the Lease names no time.
pub(super) fn duration(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// A Lease and its candidate.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) api: Api<Lease>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) identity: String,
    pub(super) duration: Duration,
}

impl Slot {
    /// Creates the Lease and takes it; refused if it exists already.
    pub(super) async fn create(&self) -> kube::Result<Lease> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(self.held(None)) };
        self.api.create(&PostParams::default(), &lease).await
    }

    /// Takes or renews the Lease; refused if it has changed since it was `read`.
    pub(super) async fn hold(&self, read: &Lease) -> kube::Result<Lease> {
        self.update(read, self.held(Some(read))).await
    }

    /// Gives the Lease back, so that nobody waits until it expires.
    pub(super) async fn release(&self, read: &Lease) -> kube::Result<Lease> {
        let transitions = read.spec.as_ref().and_then(|spec| spec.lease_transitions);
        let spec = LeaseSpec { lease_transitions: transitions, ..LeaseSpec::default() };
        self.update(read, spec).await
    }

    /// The Lease as it is now. It is listed and not gotten, because a candidate needs the right to list anyway.
    pub(super) async fn read(&self) -> kube::Result<Option<Lease>> {
        let named = ListParams::default().fields(&self.selector());
        Ok(self.api.list(&named).await?.items.pop())
    }

    /// Selects the Lease alone.
    pub(super) fn selector(&self) -> String {
        format!("metadata.name={}", self.name)
    }

    /// Its namespace and name.
    pub(super) fn lease(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    async fn update(&self, read: &Lease, spec: LeaseSpec) -> kube::Result<Lease> {
        let mut metadata = read.metadata.clone();
        metadata.managed_fields = None;
        let lease = Lease { metadata, spec: Some(spec) };
        self.api.replace(&self.name, &PostParams::default(), &lease).await
    }

    fn held(&self, read: Option<&Lease>) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let before = read.and_then(|lease| lease.spec.as_ref());
        let renewed = read.and_then(holder) == Some(&*self.identity);
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            acquire_time: if renewed { before.and_then(|spec| spec.acquire_time.clone()) } else { now.clone() },
            renew_time: now,
            lease_transitions: Some(if renewed || read.is_none() { transitions } else { transitions + 1 }),
            ..LeaseSpec::default()
        }
    }
}
