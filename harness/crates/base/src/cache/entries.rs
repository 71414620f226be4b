//! The entries of the cache that can be removed separately.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Folders whose content can be created again, entry by entry. Clusters' own folders are removed with their clusters.
const FOLDERS: [&str; 6] = ["tools", "state", "images", "helm", "results", "clusters/_failed"];
/// The stages of a build of the node image, which are one entry.
const WHOLE: &str = "node-image";

/// An entry that can be removed alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// The size of all its files in bytes.
    pub(super) size: u64,
    /// When something in it was last written, or a process began to use it.
    pub(super) used: SystemTime,
}

/// The entries of a cache, the one that was unused for longest first.
pub(super) fn all(cache: &Path) -> Vec<Entry> {
    let below = FOLDERS.into_iter().flat_map(|folder| fs::read_dir(cache.join(folder)).into_iter().flatten());
    let paths = below.filter_map(Result::ok).map(|entry| entry.path()).chain([cache.join(WHOLE)]);
    // An entry that is removed meanwhile is left out.
    let mut entries: Vec<_> = paths.filter_map(|path| Entry::of(path).ok()).collect();
    entries.sort_by_key(|entry| entry.used);
    entries
}

/// The size of all files of a cache in bytes, including those outside of entries.
pub(super) fn size(cache: &Path) -> u64 {
    weigh(cache).map(|(size, _)| size).unwrap_or_default()
}

impl Entry {
    fn of(path: PathBuf) -> io::Result<Self> {
        let (size, used) = weigh(&path)?;
        Ok(Self { path, size, used })
    }
}

/// The size of a file or of all files in a folder in bytes, and when the newest was written. Links are not followed.
pub(super) fn weigh(path: &Path) -> io::Result<(u64, SystemTime)> {
    let metadata = fs::symlink_metadata(path)?;
    let own = (metadata.len(), metadata.modified()?);
    if !metadata.is_dir() {
        return Ok(own);
    }
    let inner = fs::read_dir(path)?.filter_map(Result::ok).filter_map(|entry| weigh(&entry.path()).ok());
    Ok(inner.fold((0, own.1), |(size, used), (more, later)| (size + more, used.max(later))))
}
