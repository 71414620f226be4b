//! A worker of a load: a process inside a cluster that creates its share of the tasks, and prints a line about each.
//!
//! `options` is how it is started, `orders` waits until the harness tells it when to begin, and `worker` creates the tasks.
//! What the worker reads and prints is defined in `hourglass_load::worker`, and what becomes of its tasks is judged by the
//! harness.

mod error;
mod options;
mod orders;
mod worker;

pub use error::WorkerError;
pub use options::WorkerArgs;
pub use worker::run;
