//! What the harness's own test targets share: how tests are registered, what they need of the machine, and one scheduler.
//!
//! What may live here: what several targets need and what knows nothing of any of them. The `harness` executable is passed
//! in by the target, since only its crate knows the path.
#![expect(clippy::print_stderr, reason = "stdout is the test protocol's; what is left out is said to people")]

mod requirement;
mod scheduler;
mod target;
mod test;

pub use requirement::Requirement;
pub use scheduler::block_on;
pub use target::TestTarget;
pub use test::{Test, TestOutcome};
