//! Shared code of the workspace's test targets: registration and requirements of tests, one scheduler, waits, commands and
//! their sandboxes, clusters, namespaces, and objects in an engine.
//!
//! What may live here: code that several targets need and that depends on none of them. The target passes in the
//! `harness` executable, since only its crate knows the path.
#![expect(clippy::print_stderr, reason = "stdout is the test protocol's; what is left out is said to people")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod cluster;
mod command;
mod daemons;
mod engine;
mod namespace;
mod requirement;
mod sandbox;
mod scheduler;
mod shared;
mod target;
mod test;
mod wait;

pub use cluster::{OwnCluster, TestCluster, deliver_components_to};
pub use command::{Outcome, Running, run, run_within};
pub use daemons::Daemons;
pub use engine::{labelled_objects, remove_objects};
pub use namespace::TestNamespace;
pub use requirement::Requirement;
pub use sandbox::{FILES, Sandbox, anvil, line_of, scenarios, test_cache};
pub use scheduler::block_on;
pub use shared::{Shared, SharedGuard};
pub use target::TestTarget;
pub use test::{Test, TestOutcome};
pub use wait::{LIMIT, answer_within, eventually, within};
