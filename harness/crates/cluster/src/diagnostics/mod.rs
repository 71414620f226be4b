//! The evidence of a cluster in which something went wrong: logs, events and objects in a folder, and what is broken in
//! a few lines.
//!
//! What may live here: reading, bounded in size and in time, that never fails because the cluster does. Nothing here
//! changes a cluster.

mod collect;
mod events;
mod evidence;
mod failed;
mod limits;
mod nodes;
mod objects;
mod pod_files;
mod pods;
mod redact;
mod summary;
mod tail;
mod trouble;

pub use collect::{Sources, collect};
pub use failed::{KEPT, on_failure};
pub use limits::Limits;
pub use summary::{SUMMARY_FILE, Summary};
pub use trouble::of_pod;
