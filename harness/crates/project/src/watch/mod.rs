//! The files that scenarios depend on, and what has changed among them.
//!
//! [`Inputs`] names the files and folders, [`Snapshot`] is their content at one moment, and [`Events`] says when to look
//! again. Contents are compared, so that events need not be complete, and a file that is written unchanged has not changed.

mod error;
mod events;
mod inputs;
mod paths;
mod snapshot;

pub use error::WatchError;
pub use events::Events;
pub use inputs::Inputs;
pub use paths::resolved;
pub use snapshot::Snapshot;
