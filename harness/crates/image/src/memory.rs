//! The stored name of the image that was last built from files that have not changed since.
//!
//! Reading and hashing the executable takes longer than everything else before a run's first component. A stored name
//! that is damaged, or of changed files, is ignored: the image is built, and its name is stored again.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use hourglass_base::cache::cache_folder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ImageError, ImageRole, rootfs};

/// Raise this when images are built differently from the same files, or when more is stored about them.
const FORMAT: u32 = 2;

/// Identifies the state of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// When it was last written, moved or linked: resetting `modified` also changes this.
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file with this metadata.
    pub(super) fn of(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the file was written to between the two.
    pub(super) fn is_other_content(&self, other: &Self) -> bool {
        // Creating or removing a link to it does not change its content.
        (self.size, self.modified) != (other.size, other.modified)
    }

    fn holds(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| Self::of(&self.path, &metadata) == *self)
    }
}

/// The identity of an image in engines and nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) reference: String,
    pub(super) digest: String,
    pub(super) manifest: String,
    pub(super) layers: Vec<String>,
}

/// An image, and its source files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    format: u32,
    version: String,
    identity: Identity,
    sources: Vec<Stamp>,
    certificates: Option<PathBuf>,
}

impl Memory {
    /// For an image that was just built from these files.
    pub(super) fn of(identity: Identity, sources: Vec<Stamp>) -> Self {
        let certificates = rootfs::certificates().map(Path::to_owned);
        Self { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), identity, sources, certificates }
    }

    /// The name of this executable's image, if none of its sources has changed.
    pub(super) fn recall(cache: &Path, role: ImageRole, executable: &Path) -> Option<Identity> {
        let memory = Self::read(&file(cache, role, executable))?;
        memory.holds().then_some(memory.identity)
    }

    /// The valid ones, of all executables.
    pub(super) fn all(cache: &Path) -> Vec<Identity> {
        let files = fs::read_dir(folder(cache)).into_iter().flatten().filter_map(Result::ok);
        let memories = files.filter_map(|file| Self::read(&file.path())).filter(Self::holds);
        memories.map(|memory| memory.identity).collect()
    }

    /// Stores it for later runs.
    pub(super) fn keep(&self, cache: &Path, role: ImageRole, executable: &Path) -> Result<(), ImageError> {
        let folder = folder(cache);
        fs::create_dir_all(&folder).map_err(ImageError::file(&folder))?;
        let aside = tempfile::NamedTempFile::new_in(&folder).map_err(ImageError::file(&folder))?;
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(aside.path(), text).map_err(ImageError::file(aside.path()))?;
        let file = file(cache, role, executable);
        aside.persist(&file).map_err(|error| ImageError::File { path: file, source: error.error })?;
        Ok(())
    }

    fn read(file: &Path) -> Option<Self> {
        let memory: Self = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        let current = memory.format == FORMAT && memory.version == env!("CARGO_PKG_VERSION");
        current.then_some(memory)
    }

    fn holds(&self) -> bool {
        self.certificates.as_deref() == rootfs::certificates() && self.sources.iter().all(Stamp::holds)
    }
}

/// The folder of the cache for this data.
pub(super) fn cache() -> Result<PathBuf, ImageError> {
    Ok(cache_folder()?)
}

fn folder(cache: &Path) -> PathBuf {
    cache.join("images")
}

fn file(cache: &Path, role: ImageRole, executable: &Path) -> PathBuf {
    let digest = Sha256::digest(executable.as_os_str().as_encoded_bytes());
    folder(cache).join(format!("{role}-{}.json", hex::encode(&digest[..8])))
}
