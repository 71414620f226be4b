//! Archives of the folder of a trial: of bounded size, packed in bounded time, without secrets.
//!
//! What may live here: which files are packed, in which order, how large ones are cut, and what is redacted. What the
//! files are and who writes them is in `runner` and `runtime`.

mod cut;
mod error;
mod files;
mod pack;
mod secrets;

pub use error::BundleError;
pub use pack::{Limits, Packed, file_name, pack};
