//! Which requirements of trials this machine meets, and how it gets the rest.
//!
//! What may live here: facts about the machine, their meaning, and the steps of `harness setup`. Facts are collected in
//! one file and judged by pure functions. `chain` finds Anvil, and `engine` connects to an engine.

mod capabilities;
mod checks;
mod deploy_tools;
mod diagnosis;
mod facts;
mod gather;
mod kubernetes;
mod leftovers;
mod limits;
pub mod open_files;
pub mod setup;
pub mod signals;
pub mod threads;

pub use capabilities::Bounding;
pub use diagnosis::{Diagnosis, checked_by_default};
pub use facts::{AnvilFacts, Clock, EngineFacts, Facts, FoundTool, Inotify, Known, Npm, Space, ToolFacts, Unknown};
pub use gather::gather;
pub use hourglass_base::{Check, Verdict, exhausted, exhausted_as_told, not_started};
pub use kubernetes::{AbandonedClusters, KubernetesFacts, NodeImage};
pub use leftovers::Leftovers;
