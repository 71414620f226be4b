//! When files have changed.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use notify_debouncer_full::{
    DebounceEventResult, Debouncer, NoCache, new_debouncer_opt,
    notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, event::ModifyKind},
};
use tokio::sync::Notify;

use super::WatchError;

/// Changes that follow each other this closely are one: editors write a file in several steps, and tools many files.
const TOGETHER: Duration = Duration::from_millis(200);

/// Reports that something in folders has changed.
pub struct Events {
    watcher: Debouncer<RecommendedWatcher, NoCache>,
    changed: Arc<Notify>,
    folders: BTreeSet<PathBuf>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("folders", &self.folders).finish_non_exhaustive()
    }
}

impl Events {
    /// Those of no folder yet.
    pub fn start() -> Result<Self, WatchError> {
        let changed = Arc::new(Notify::new());
        let report = Arc::clone(&changed);
        let handler = move |result: DebounceEventResult| {
            // After an error, events may be missing.
            if result.map_or(true, |events| events.iter().any(|event| is_change(event.kind))) {
                report.notify_one();
            }
        };
        let watcher =
            new_debouncer_opt(TOGETHER, None, handler, NoCache, Config::default()).map_err(WatchError::Start)?;
        Ok(Self { watcher, changed, folders: BTreeSet::new() })
    }

    /// From now on those of these folders, without the folders below them.
    pub fn follow(&mut self, folders: &BTreeSet<PathBuf>) -> Result<(), WatchError> {
        for gone in self.folders.difference(folders) {
            // A folder that was removed is not watched any more.
            let _ = self.watcher.unwatch(gone);
        }
        let mut followed = BTreeSet::new();
        for folder in folders {
            // One that was removed and made again is another: a second watch of the same folder replaces the first.
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(followed.insert(folder.clone())),
                Err(_) if !folder.is_dir() => {}
                Err(source) => return Err(WatchError::Folder { folder: folder.clone(), source }),
            }
        }
        self.folders = followed;
        Ok(())
    }

    /// Waits until something has changed since the last call.
    pub async fn next(&self) {
        self.changed.notified().await;
    }
}

/// Files that are only read, as by the harness itself, have not changed.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn changes_are_reported_and_reading_is_none() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "1").unwrap();
        let mut events = Events::start().unwrap();
        events.follow(&[root.path().to_owned()].into()).unwrap();
        fs::read(&file).unwrap();
        let nothing = tokio::time::timeout(4 * TOGETHER, events.next()).await;
        assert!(nothing.is_err(), "reading is reported as a change");
        fs::write(&file, "2").unwrap();
        tokio::time::timeout(Duration::from_secs(30), events.next()).await.unwrap();
    }
}
