//! Scenarios as data: a YAML file is loaded, checked and expanded into trials.
//!
//! Nothing in here starts anything; what a step does when it runs is the runner's.

pub mod model;
pub mod step;
pub mod texts;
pub mod trial;
pub mod values;

pub use model::{Component, Components, Invariants, Operator, Scenario, ScenarioDocument, Topology};
pub use step::{
    CreateTask, ExpectEvent, ExpectExpired, ExpectRejected, ExpectVerified, Kill, Location, Mine, Restart, Step,
    StepDocument, StepKind, Warp,
};
pub use texts::{BadComponentRef, ComponentRef, HexBytes, Scalar};
pub use trial::Trial;
pub use values::{Chain, Curve, Mining, RuntimeKind};
