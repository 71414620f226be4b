//! What a run has in a Docker engine: containers, networks and volumes, found by the run's label, and the containers
//! without it that hang on a network of the run.
//! How they are made and labelled is the runtime's business.

mod census;
mod kind;
mod objects;
mod removal;

pub(super) use census::RunObjects;
pub use kind::EngineObjects;
pub use objects::{LabelledContainer, LabelledNetwork};
