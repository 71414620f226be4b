//! Which hop of a cluster does not work: probes in a namespace of their own, and what each found.
//!
//! What may live here: the probes, what they put into a cluster and take away again, and both ends of the connections that
//! they try. How checks are shown belongs to `cli`.

mod dial;
mod health;
mod hops;
mod image;
mod objects;
mod outside;
mod pods;
mod policy;
mod reached;
mod run;
mod topics;
mod volumes;

pub use dial::{Came, Dialled, dial, serve};
pub use health::{Asked, ask};
pub use image::ProbeImage;
pub use run::probe;
