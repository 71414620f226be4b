//! Scenarios as data: a YAML file is loaded, checked and expanded into trials.
//!
//! file → [`Loader`] → [`ScenarioFile`] → [`Trial`]s; [`Selection`] chooses among them. Nothing in here starts
//! anything; the runner implements the steps.

mod allowed_errors;
mod avs;
mod bounded_file;
mod check;
mod check_avss;
mod check_components;
mod check_limits;
mod check_performers;
mod check_runtimes;
mod check_steps;
mod component_limits;
mod contracts;
mod deploy_scripts;
mod environment;
mod environment_file;
mod error;
mod exclude;
mod fees;
mod folder;
mod images;
mod limits;
mod load;
mod meant;
mod model;
mod no_match;
mod overrides;
mod own_image;
mod performer_files;
mod plain_scalars;
mod project;
mod proofs;
mod renamed_steps;
mod repeat;
mod replaced;
mod resolve;
mod schema;
mod select;
mod shard;
mod step;
mod steps;
#[cfg(test)]
mod tests;
mod texts;
mod trial;
mod values;
mod variables;

pub use allowed_errors::AllowedErrors;
pub use avs::{Avs, FIRST_AVS};
pub use component_limits::ComponentLimits;
pub use contracts::{CompiledContract, Contract, ContractCall, ContractRole, Initializer, ProxyKind};
pub use deploy_scripts::DeployScript;
pub use error::ScenarioError;
pub use fees::Fees;
pub use folder::SkippedFile;
pub use images::Images;
pub use load::{Loader, ScenarioFile, Variant};
pub use model::{Component, Components, Invariants, Operator, Scenario, ScenarioDocument, Topology};
pub use overrides::{Assignment, Overrides, VARIABLE_PREFIX};
pub use own_image::{Build, Pull};
pub use performer_files::PerformerFile;
pub use project::{FILE_NAME as PROJECT_FILE, PrepareCommand, Project, ProjectDocument};
pub use proofs::{WITHOUT_FAULT, proofs};
pub use repeat::{repeated, without_number};
pub use replaced::check_components;
pub use schema::{project_schema_text, schema_text};
pub use select::{BUILTIN, DEFAULT_DIRECTORY, Selected, Selection};
pub use shard::Shard;
pub use step::{Location, Step};
pub use steps::*;
pub use texts::{BadComponentRef, ComponentRef, HexBytes, PerformerRef, Scalar};
pub use trial::{LARGE, Trial};
pub use values::{Chain, Cpus, Curve, Memory, Mining, RuntimeKind};
pub use variables::Bindings;
