//! What is there of every run, found without knowing the runs: by processes' environments, by an engine's labels, and
//! by the folders that the caller names.
//! What is to be ended is decided here ([`RunState`]); ending it is the sweep's business.

mod look;
mod processes;
mod run;

pub use look::{Inventory, OWNER_FILE, RunDir};
pub use run::{FoundRun, RunState, rounded};
