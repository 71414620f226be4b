//! Finds the hop of a cluster that does not work: probes in a namespace of their own, and their results.
//!
//! What may live here: the probes, the objects that they create and remove in a cluster, and both ends of the
//! connections that they try. How checks are shown belongs to `cli`.

mod connections;
mod dial;
mod health;
mod image;
mod objects;
mod outside_container;
mod pods;
mod policy;
mod run;
mod service_access;
mod topics;
mod volumes;

pub use dial::{DialOutcome, DialResult, dial, serve};
pub use health::{HealthResult, ask};
pub use image::ProbeImage;
pub use run::probe;
