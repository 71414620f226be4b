//! The controller: watches what concerns Performers, and makes the cluster what [`desired`](crate::desired) says.
//!
//! What may live here: watching, queueing, applying, draining, writing status and Events. What a Performer needs, and
//! what its status is, are pure functions elsewhere; who may act is the election's matter.

mod apply;
mod backoff;
mod context;
mod controllers;
mod covers;
mod drain;
mod ended;
mod error;
mod events;
mod finalizer;
mod orphan_pods;
mod pending_writes;
mod queue;
mod reconcile;
mod redact;
mod status;
mod stores;
mod watch;

pub(crate) use controllers::Controllers;

/// Who owns the fields that the operator sets.
const MANAGER: &str = "hourglass-operator";
