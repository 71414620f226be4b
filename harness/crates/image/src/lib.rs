//! Container images, made from executables of this machine without a build daemon, and brought to where they run.
//!
//! What may live here: the root filesystem of an image, its archive and digest, its delivery, and whether a user's own
//! image is there. Containers made of images live in `runtime`, the removal of what a run leaves in `reaper`.

mod archive;
mod deliver;
mod error;
mod executable;
mod layer;
mod memory;
mod nodes;
mod require;
mod role;
mod rootfs;
mod superseded;

pub use archive::Image;
pub use deliver::{DeliveredImage, deliver_anvil, deliver_components, deliver_in, load, name_of};
pub use error::ImageError;
pub use nodes::{DeliveredToNode, NodeImage, PullPolicy, deliver_to_nodes, deliver_to_nodes_in};
pub use require::require;
pub use role::{IMAGE_LABEL, ImageRole};
pub use rootfs::RootFilesystem;
pub use superseded::{remove, superseded, superseded_in};
