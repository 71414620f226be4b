//! The Kubernetes operator behind `Performer` objects.
//!
//! [`api`] holds the types that users write, the only public promise, and [`crd`] the definition generated from them.
//! [`desired`] and [`status`] are pure functions: one computes a Performer's objects, the other its status from what is
//! observed. The `controller` watches, applies and drains; `election` decides by a Lease whether it may act; `metrics`,
//! `health` and `server` report on its state, and [`run`](run()) starts and ends all of it. Nothing in here knows the
//! harness.

mod age;
pub mod api;
mod config;
mod controller;
pub mod crd;
pub mod desired;
mod election;
mod health;
mod metrics;
mod pauses;
mod run;
mod server;
pub mod status;
mod telemetry;

pub use config::{ConfigError, Drain, LeaderElection, LogFormat, LogLevel, OperatorConfig};
pub use election::ElectionError;
pub use run::{OperatorError, run};
