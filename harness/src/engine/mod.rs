//! The Docker engine: where it is, whether it answers, and what to do when it does not.
//!
//! What may live here: the connection and its errors. What is made with it lives in `image`, `runtime::docker` and
//! `reaper`.

mod address;
mod connect;
mod context;
mod error;
mod silence;

pub use address::EngineAddress;
pub use connect::Engine;
pub use error::{EngineError, Engined};
