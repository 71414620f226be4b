//! The Docker engine: its address, whether it answers, and what to do if it does not.
//!
//! What may live here: the connection and its errors, and the containers that are the nodes of kind clusters. `image`,
//! `runtime::docker` and `reaper` use the engine.

mod address;
mod connect;
mod context;
mod error;
mod node;
mod silence;

pub use address::EngineAddress;
pub use connect::Engine;
pub use error::{EngineContext, EngineError};
pub use node::{CommandOutput, KIND_CLUSTER_LABEL, Node, NodeError, NodeRole, nodes_of};
