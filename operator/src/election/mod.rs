//! Who acts where several operators run: the one that holds a Lease.
//!
//! What may live here: taking, keeping and giving back the Lease. What its holder does is not known here.
//!
//! Every change is an update of a version that was read, so that of two operators that try at once one is refused; and a
//! Lease has run out when it was not seen to change for its duration, whatever the clocks of others say.

mod error;
mod holding;
mod lease;
mod takeover;

pub use error::ElectionError;
pub(crate) use holding::Holding;
pub(crate) use takeover::Candidate;
