//! Container images, built from executables of this machine without a build daemon, and delivered to engines and nodes.
//!
//! What may live here: the root filesystem of an image, its archive and digest, its delivery, and checks of a user's
//! own image. Containers of images are in `runtime`, the removal of a run's leftovers in `reaper`.

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
