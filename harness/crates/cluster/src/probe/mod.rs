//! Which hop of a cluster does not work: probes in a namespace of their own, and what each found.
//!
//! What may live here: the probes, what they put into a cluster and take away again, and both ends of the connections that
//! they try. How checks are shown belongs to `cli`.

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
