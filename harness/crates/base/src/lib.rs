//! Shared code of all crates of the harness: the cache, private files, checks of a machine, exit codes, ages, and
//! versions of documents.
//!
//! What may live here: small helpers that know nothing of chains, engines, clusters and trials.

mod age;
mod blocking;
pub mod cache;
mod check;
mod command_output;
mod exhausted;
mod exit_status;
mod loopback;
pub mod private;
mod process_group;
mod programs;
mod runtime_kind;
mod stored;
mod version;

pub use age::age;
pub use blocking::blocking;
pub use check::{Check, Topic, Verdict};
pub use command_output::{below, last_lines, shown_command};
pub use exhausted::{exhausted, exhausted_as_told, not_started, not_started_as_told};
pub use exit_status::ExitStatus;
pub use loopback::reach_loopback_directly;
pub use process_group::ProcessGroupGuard;
pub use programs::{find_in, is_executable, on_path, path_folders, processors};
pub use runtime_kind::{Capabilities, ComponentHost, ProgramSource, RuntimeKind};
pub use stored::{DocumentKind, StoredError};
pub use version::Version;
