//! What keeps a run away from a cluster that others made: that it looks like production, and that something is not
//! allowed there which trials do.
//!
//! What may live here: looks at a kubeconfig and questions to the API server. Nothing is made.

mod error;
mod permissions;
mod production;

pub use error::GuardError;
pub(super) use permissions::permitted;
pub(super) use production::refuse_production;
