//! Entries as an archive: the same bytes for the same entries, on every machine and at every time.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};
use tokio_util::bytes::Bytes;

use super::{
    ImageError,
    rootfs::{Entries, Entry},
};

/// Archives are padded to this size.
const BLOCK: usize = 512;
/// Padding, and twice this the end of an archive.
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Bytes in shared parts that are never joined: the executable is in memory once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    /// In their order.
    pub(super) parts: Vec<Bytes>,
    /// The total size in bytes.
    pub(super) size: u64,
}

impl Parts {
    pub(super) fn push(&mut self, part: Bytes) {
        self.size += part.len() as u64;
        self.parts.push(part);
    }

    /// The hexadecimal digest, which follows the colon in `sha256:…`.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in &self.parts {
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }
}

impl From<Vec<u8>> for Parts {
    fn from(bytes: Vec<u8>) -> Self {
        Self { size: bytes.len() as u64, parts: vec![bytes.into()] }
    }
}

/// An archive that is being written.
#[derive(Debug, Default)]
pub(super) struct Archive(Parts);

impl Archive {
    /// Adds a file with this content.
    pub(super) fn file(&mut self, path: &Path, mode: u32, content: Parts) -> Result<(), ImageError> {
        self.header(path, EntryType::Regular, mode, content.size, None)?;
        let padding = content.size.next_multiple_of(BLOCK as u64) - content.size;
        for part in content.parts {
            self.0.push(part);
        }
        self.0.push(Bytes::from_static(&ZEROS).slice(..usize::try_from(padding).unwrap_or_default()));
        Ok(())
    }

    /// Adds a folder.
    pub(super) fn folder(&mut self, path: &Path, mode: u32) -> Result<(), ImageError> {
        self.header(path, EntryType::Directory, mode, 0, None)
    }

    /// The archive with its end.
    pub(super) fn finish(mut self) -> Parts {
        self.0.push(Bytes::from_static(&ZEROS));
        self.0.push(Bytes::from_static(&ZEROS));
        self.0
    }

    fn header(
        &mut self,
        path: &Path,
        kind: EntryType,
        mode: u32,
        size: u64,
        link: Option<&Path>,
    ) -> Result<(), ImageError> {
        let fail = |source| ImageError::Entry { path: path.to_owned(), source };
        // Its time is 1970 and its owner root: no data of this machine gets in.
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_path(path).map_err(fail)?;
        if let Some(target) = link {
            header.set_link_name(target).map_err(fail)?;
        }
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        self.0.push(Bytes::copy_from_slice(header.as_bytes()));
        Ok(())
    }
}

/// The layer of these entries.
pub(super) fn layer(entries: &Entries) -> Result<Parts, ImageError> {
    let mut archive = Archive::default();
    for (path, entry) in entries {
        match entry {
            Entry::Folder(mode) => archive.folder(path, *mode)?,
            Entry::File(mode, bytes) => {
                let content = Parts { size: bytes.len() as u64, parts: vec![bytes.clone()] };
                archive.file(path, *mode, content)?;
            }
            Entry::Link(target) => archive.header(path, EntryType::Symlink, 0o777, 0, Some(target))?,
        }
    }
    Ok(archive.finish())
}
