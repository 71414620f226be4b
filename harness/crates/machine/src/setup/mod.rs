//! Gives a machine what it lacks: a plan of steps, each of which says what it does and why, and is left out if it is
//! done already.
//!
//! What may live here: the steps of `harness setup`. The checks next to this folder find what is missing.

mod configuration;
mod docker;
mod error;
mod kubernetes;
mod programs;
mod start;
mod step;
mod system;
mod wrapper;

pub use docker::docker;
pub use error::DockerSetupError;
pub use kubernetes::{
    ArchiveError, KubernetesSetup, KubernetesSetupError, NODE_IMAGE_ARCHIVE_VARIABLE, kubernetes, load_archive,
};
pub use step::{State, Step};
pub use system::System;

/// The path of the runtime wrapper that leaves out unavailable capabilities.
pub const WRAPPER: &str = "/usr/local/bin/runc-bounded";
