//! Prometheus metrics: what the operator does, how long it takes, and what it asks of the API server.
//!
//! What may live here: counting and its text form. What is counted is said where it happens.

mod layer;
mod registry;
mod request;

pub(crate) use layer::CountedLayer;
pub(crate) use registry::{Metrics, Outcome};
pub(crate) use request::ApiRequest;
