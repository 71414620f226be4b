//! The warm cluster: shared across processes by all that need a matching one, and removed when it was not used for
//! long.
//!
//! What may live here: who may use, make or remove a cluster, and when. How that is done is in `kind`, `health` and
//! `heal`.

mod acquire;
mod discard;
mod holders;
mod idle;
mod inventory;
mod lock;
mod locks;
mod request;

pub use acquire::{Lease, LeaseSource};
pub use discard::{Removal, remove};
pub use holders::Holder;
pub use idle::{Cleaned, clean};
pub use inventory::{Condition, FoundCluster, look};
pub(super) use lock::{LockFile, Locked};
pub use request::{IDLE_VARIABLE, LeaseRequest, UP_IDLE};
