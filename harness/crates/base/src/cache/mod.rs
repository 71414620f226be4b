//! The cache: where it is, what it holds, what of that somebody uses, and what goes when it is too much.
//!
//! What may live here: entries of the cache as folders and files with an age and a size. What they are for, and how they
//! are made, is elsewhere: Anvil and prepared states in `chain`, tools and clusters in `cluster`, memories of images in
//! `image`.

mod bound;
mod entries;
mod folder;
mod usage;

pub use bound::{Bound, Dropped, keep_within};
pub use folder::{CACHE_VARIABLE, CacheError, cache_folder, remedy_of_cache};
pub use usage::hold;
