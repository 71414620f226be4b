//! Checks before an existing cluster is used: it must not look like production, and its user must be allowed to do what
//! trials do.
//!
//! What may live here: reading a kubeconfig, and read-only requests to the API server. Nothing is created.

mod error;
mod permissions;
mod production;

pub use error::GuardError;
pub use permissions::permitted_jobs;
pub(super) use permissions::{permitted, permitted_in};
pub(super) use production::refuse_production;
