//! Clusters made by kind's command, on networks of their own.
//!
//! What may live here: kind's configuration, the watch over its command, and the removal of what it made.

mod command;
mod config;
mod create;
mod creation_processes;
mod delete;
mod disk_space;
mod dns;
mod freezer;
mod image;
mod journal;
mod network;
mod patches;

pub use create::Kind;
pub(super) use creation_processes::end_makers;
pub use delete::delete;
pub use disk_space::NODE_DISK;
pub use image::node_image_id;
pub use journal::journals;
pub use network::CLUSTER_LABEL;
