//! The objects of a run in a Docker engine: containers, networks and volumes with the run's label, and the containers
//! without it that are only on networks of the run. The runtime creates and labels them.

mod census;
mod kind;
mod objects;
mod removal;

pub(super) use census::RunObjects;
pub use kind::EngineObjects;
pub use objects::{LabelledContainer, LabelledNetwork};
