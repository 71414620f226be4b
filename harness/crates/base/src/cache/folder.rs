//! The location of the cache.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;

/// The variable that names another folder for the cache.
pub const CACHE_VARIABLE: &str = "HARNESS_CACHE";

/// Why no folder can be used as the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No folder for the cache is known.
    #[error("failed to find a folder for the cache; HARNESS_CACHE may name one")]
    Unknown(#[source] etcetera::HomeDirError),
    /// Anvil would fail at its start.
    #[error("failed to use {path}: it is not UTF-8, and Anvil takes no other paths", path = path.display())]
    NotUtf8 {
        /// The cache.
        path: PathBuf,
    },
    /// The path cannot be made absolute.
    #[error("failed to use {path}", path = path.display())]
    Relative {
        /// The path as given.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CacheError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "name another folder with HARNESS_CACHE",
            Self::Unknown(_) | Self::Relative { .. } => "set HARNESS_CACHE to a folder",
        }
    }
}

/// The folder for data that can be created again: `HARNESS_CACHE`, else the user's cache folder.
pub fn cache_folder() -> Result<PathBuf, CacheError> {
    let path = match env::var_os(CACHE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from) {
        Some(path) => std::path::absolute(&path).map_err(|source| CacheError::Relative { path, source })?,
        None => etcetera::choose_base_strategy().map_err(CacheError::Unknown)?.cache_dir().join("hourglass-harness"),
    };
    // Anvil's arguments name states in the cache that it loads.
    if path.to_str().is_some() { Ok(path) } else { Err(CacheError::NotUtf8 { path }) }
}

/// What to do if a file of the cache cannot be created or read; `None` if it is not in the cache.
pub fn remedy_of_cache(path: &Path) -> Option<&'static str> {
    let of_cache = cache_folder().is_ok_and(|cache| path.starts_with(&cache) || cache.starts_with(path));
    of_cache.then_some("set HARNESS_CACHE to a folder that this user may write to")
}
