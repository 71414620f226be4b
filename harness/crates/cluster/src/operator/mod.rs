//! The operator in a cluster: installed by Helm, once for each warm cluster and fingerprint, under a lock across
//! processes.
//!
//! What may live here: its release and the definition of Performer, and whether both work. Performers, and what the
//! operator makes of them, belong to the runtime and to the operator itself.

mod conflicts;
mod crd;
mod error;
mod home;
mod locks;
mod ready;
mod release;
mod remove;
mod values;

pub use error::OperatorError;
pub use release::{OperatorRelease, OperatorRequest, OperatorSource};
pub use remove::remove_unused;

/// The namespace of the operator that the harness installs.
pub const NAMESPACE: &str = "hourglass-system";
/// The name of its release and of its Deployment.
pub const NAME: &str = "hourglass-operator";
/// The label that all pods of an operator share, including the public one's.
const NAME_LABEL: &str = "app.kubernetes.io/name";
