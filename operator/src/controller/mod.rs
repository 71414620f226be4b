//! The controller: it watches everything that concerns Performers, and makes the cluster match
//! [`desired`](crate::desired).
//!
//! What may live here: watching, queueing, applying, draining, writing status and Events. Pure functions elsewhere
//! compute what a Performer needs and what its status is; the election decides who may act.

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

/// The field manager of the fields that the operator sets.
const MANAGER: &str = "hourglass-operator";
