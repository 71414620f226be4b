//! Entries of the cache that are created aside and moved into place whole. Partial and damaged ones are detected and
//! created again, and if two processes create one at once, both succeed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use hourglass_base::private;
use tempfile::TempDir;

use super::SetupError;

const LOCK: &str = "lock";
/// How often a damaged entry is removed before the error of moving the new one into place counts.
const ATTEMPTS: u32 = 3;

/// An entry that is being created.
pub(super) struct AtomicEntry {
    folder: TempDir,
    /// Held until the entry is whole; the system releases it when this process is killed.
    lock: File,
}

impl AtomicEntry {
    /// A folder next to an entry, called `prefix` and some letters. Unfinished folders of killed processes with the
    /// same prefix are removed.
    pub(super) fn beside(entry: &Path, prefix: &str) -> Result<Self, SetupError> {
        let parent = entry.parent().unwrap_or(entry);
        // Often the first folder of the cache. With the umask 0 of some CI, others could replace the Anvil in it.
        private::create_folders(parent).map_err(SetupError::file(parent))?;
        remove_abandoned(parent, prefix);
        loop {
            let folder =
                tempfile::Builder::new().prefix(prefix).tempdir_in(parent).map_err(SetupError::file(parent))?;
            let path = folder.path().join(LOCK);
            let lock = File::create(&path).map_err(SetupError::file(&path))?;
            lock.lock().map_err(SetupError::file(&path))?;
            // Another process may have had the lock first, and then it has removed the folder as an abandoned one.
            if path.try_exists().map_err(SetupError::file(&path))? {
                return Ok(Self { folder, lock });
            }
        }
    }

    /// Its temporary path.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Moves it into place. A damaged entry there is removed first; a whole one stays.
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

/// Removes the unfinished folders of killed processes: their locks are free.
pub(super) fn remove_abandoned(parent: &Path, prefix: &str) {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes())) {
        let path = entry.path().join(LOCK);
        let lock = File::open(&path).ok();
        // The lock is held until the folder is gone: its maker may be waiting for it. If the file is gone, the maker has just finished.
        if let Some(_held) = lock.filter(|lock| lock.try_lock().is_ok() && path.exists()) {
            // Another process may be removing it as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    /// A folder has no lock for a moment, in which another process may take it for an abandoned one.
    #[test]
    fn an_entry_is_never_taken_for_an_abandoned_one() {
        let parent = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let sweeps = || {
                while !done.load(Ordering::Relaxed) {
                    remove_abandoned(parent.path(), "making-");
                }
            };
            scope.spawn(sweeps);
            scope.spawn(sweeps);
            let made = (0..2000).all(|number| {
                let entry = parent.path().join(format!("entry-{number}"));
                let made = AtomicEntry::beside(&entry, "making-").and_then(|made| made.publish(&entry, Path::is_dir));
                made.is_ok() && entry.is_dir()
            });
            done.store(true, Ordering::Relaxed);
            assert!(made, "an entry was removed while it was made");
        });
    }
}
