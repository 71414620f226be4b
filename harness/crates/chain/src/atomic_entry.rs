//! Entries of the cache that are made aside and put in their place whole: half-made and damaged ones are noticed and made
//! again, and of two processes that make one at once both are content.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::SetupError;

const LOCK: &str = "lock";
/// How often a place is cleared of what is damaged before the error of putting an entry there counts.
const ATTEMPTS: u32 = 3;

/// An entry in the making.
pub(super) struct AtomicEntry {
    folder: TempDir,
    /// Held until the entry is whole; the system gives it back when this process is killed.
    lock: File,
}

impl AtomicEntry {
    /// A folder beside an entry, called `prefix` and some letters. What processes that were killed had begun with the same
    /// prefix is removed.
    pub(super) fn beside(entry: &Path, prefix: &str) -> Result<Self, SetupError> {
        let parent = entry.parent().unwrap_or(entry);
        fs::create_dir_all(parent).map_err(SetupError::file(parent))?;
        remove_abandoned(parent, prefix);
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent).map_err(SetupError::file(parent))?;
        let path = folder.path().join(LOCK);
        let lock = File::create(&path).map_err(SetupError::file(&path))?;
        lock.lock().map_err(SetupError::file(&path))?;
        Ok(Self { folder, lock })
    }

    /// Where it is made.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts it in its place. A damaged entry that stands there is taken away first; a whole one stays.
    pub(super) fn publish(self, entry: &Path, is_whole: impl Fn(&Path) -> bool) -> Result<(), SetupError> {
        let Self { folder, lock } = self;
        let at_it = folder.path().join(LOCK);
        fs::remove_file(&at_it).map_err(SetupError::file(at_it))?;
        drop(lock);
        let aside = folder.keep();
        for _ in 0..ATTEMPTS {
            match fs::rename(&aside, entry) {
                Ok(()) => return Ok(()),
                // Another process was first, and its entry is as good.
                Err(_) if is_whole(entry) => return remove(aside),
                // Renamed first, so that nobody sees it vanish file by file.
                Err(_) => {
                    let damaged = aside.with_extension("damaged");
                    if fs::rename(entry, &damaged).is_ok() {
                        remove(damaged)?;
                    }
                }
            }
        }
        fs::rename(&aside, entry).map_err(SetupError::file(entry))
    }
}

fn remove(folder: PathBuf) -> Result<(), SetupError> {
    fs::remove_dir_all(&folder).map_err(SetupError::file(folder))
}

/// Removes what processes that were killed had begun to make: their locks can be taken.
pub(super) fn remove_abandoned(parent: &Path, prefix: &str) {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes())) {
        let lock = File::open(entry.path().join(LOCK)).ok();
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            // Somebody else may be removing it as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
