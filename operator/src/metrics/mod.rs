//! Prometheus metrics: what the operator does, how long it takes, and what it asks of the API server.
//!
//! What may live here: counters and their text form. The modules that do the work report what is counted.

mod layer;
mod registry;
mod request;

pub(crate) use layer::CountedLayer;
pub(crate) use registry::{Metrics, Outcome};
pub(crate) use request::ApiRequest;
