//! Clusters made by kind's own command, on networks of their own.
//!
//! What may live here: what kind is told, the watch over what it does, and the removal of what it made.

mod command;
mod config;
mod create;
mod delete;
mod image;
mod journal;
mod makers;
mod network;
mod patches;
mod quick;
mod room;
mod thaw;

pub use create::Kind;
pub use delete::delete;
pub use image::node_image_id;
pub use journal::journals;
pub(super) use makers::end_makers;
pub use network::CLUSTER_LABEL;
pub use room::NODE_DISK;
