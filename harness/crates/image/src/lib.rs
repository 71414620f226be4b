//! Container images, made from executables of this machine without a build daemon, and delivered to engines and nodes.
//!
//! What may live here: the root filesystem of an image, its archive and digest, its delivery; and a user's own images:
//! how they are pulled, built and checked. Containers of images are in `runtime`, the removal of a run's leftovers in `reaper`.

mod archive;
mod build;
mod deliver;
mod error;
mod executable;
mod layer;
mod memory;
mod nodes;
mod pull;
mod registry;
mod require;
mod role;
mod rootfs;
mod superseded;

pub use archive::Image;
pub use build::{BuildError, BuildSource, build};
pub use deliver::{DeliveredImage, deliver_anvil, deliver_components, deliver_in, load, name_of};
pub use error::ImageError;
pub use nodes::{DeliveredToNode, NodeImage, PullPolicy, deliver_to_nodes, deliver_to_nodes_in};
pub use pull::{PullWhen, pull};
pub use require::require;
pub use role::{IMAGE_LABEL, ImageRole};
pub use rootfs::RootFilesystem;
pub use superseded::{remove, superseded, superseded_in};
