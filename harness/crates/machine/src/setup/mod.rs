//! How a machine gets what it lacks: a plan of steps, each of which says what it does and why, and is left out where it
//! is done already.
//!
//! What may live here: the steps of `harness setup`. What is missing is found by the checks beside this folder.

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

/// Where the runtime is put that leaves out capabilities which cannot be had.
pub const WRAPPER: &str = "/usr/local/bin/runc-bounded";
