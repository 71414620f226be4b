//! The Kubernetes operator behind `Performer` objects.
//!
//! [`api`] holds the types that users write, the only public promise, and [`crd`] the definition made of them; [`desired`]
//! and [`status`] are pure functions, from a Performer to its objects and from what is seen to what its status says. The
//! `controller` watches, applies and drains; `election` says by a Lease whether it may; `metrics`, `health` and `server`
//! tell others how it does, and [`run`](run()) starts and ends all of it. Nothing in here knows the harness.

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
