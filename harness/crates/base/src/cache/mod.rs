//! The cache: its location, its entries, their use, and what is removed when it is too large.
//!
//! What may live here: entries of the cache as folders and files with an age and a size. Their purpose and creation are
//! elsewhere: Anvil and prepared states in `chain`, tools and clusters in `cluster`, remembered names of images in
//! `image`.

mod bound;
mod entries;
mod folder;
mod usage;

pub use bound::{Bound, Dropped, keep_within};
pub use folder::{CACHE_VARIABLE, CacheError, cache_folder, remedy_of_cache};
pub use usage::hold;
