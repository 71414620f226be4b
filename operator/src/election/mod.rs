//! The election that decides which of several operators acts: the holder of a Lease.
//!
//! What may live here: taking, keeping and giving back the Lease. The election does not know what its holder does.
//!
//! Every change is an update of a version that was read, so that of two simultaneous operators one is refused. A Lease
//! has expired if no change was seen for its duration, regardless of the clocks of others.

mod error;
mod holding;
mod lease;
mod takeover;

pub use error::ElectionError;
pub(crate) use holding::Holding;
pub(crate) use takeover::Candidate;
