//! What exists of every run, found without knowing the runs: by processes' environments, by an engine's labels, and by
//! the folders that the caller names. [`RunState`] decides what is to be ended; the sweep ends it.

mod devnet;
mod look;
mod processes;
mod run;

pub use devnet::{DEVNET_FILE, DevnetMark};
pub use look::{Inventory, OWNER_FILE, RunDir};
pub use run::{FoundRun, RunState, rounded};
