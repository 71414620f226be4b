//! The requirements of clusters: kind, Helm and a node image, each obtained in the quickest possible way.
//!
//! What may live here: the plan of `harness setup kubernetes` and its steps. `cluster` finds kind and Helm.

mod archive;
mod build;
mod error;
mod load;
mod plan;
mod pull;
mod request;
mod tools;

pub use archive::ArchiveError;
pub use error::KubernetesSetupError;
pub use load::load_archive;
pub use plan::kubernetes;
pub use request::{KubernetesSetup, NODE_IMAGE_ARCHIVE_VARIABLE};

#[cfg(test)]
mod tests;
