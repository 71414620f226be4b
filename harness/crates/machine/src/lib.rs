//! What this machine has of what trials need, and how it gets what it lacks.
//!
//! What may live here: facts about the machine, what they mean, and the steps of `harness setup`. Facts are gathered in
//! one file and judged by pure functions. How Anvil is found is `chain`'s, how an engine is reached is `engine`'s.

mod capabilities;
mod checks;
mod diagnosis;
mod facts;
mod gather;
mod kubernetes;
mod leftovers;
mod limits;
pub mod open_files;
pub mod setup;
pub mod threads;

pub use capabilities::Bounding;
pub use diagnosis::{Diagnosis, checked_by_default};
pub use facts::{AnvilFacts, Clock, EngineFacts, Facts, Inotify, Known, Npm, Space, Unknown};
pub use gather::gather;
pub use hourglass_base::{Check, Verdict, exhausted, exhausted_as_told, not_started};
pub use kubernetes::{AbandonedClusters, KubernetesFacts, NodeImage};
pub use leftovers::Leftovers;
