//! The locks of all clusters, in a folder next to the clusters' folders: a lock must outlive what is removed under it.
//!
//! They are always taken in this order: decision, gate, lease. Nobody waits for an exclusive lease.

use std::{fs, io, path::PathBuf};

use super::lock::LockFile;
use crate::{ClusterError, ClusterFolders, ClusterName, Fingerprint};

const FOLDER: &str = ".locks";
const DECISION: &str = "decision";
const GATE: &str = "gate";
const LEASE: &str = "lease";
const HOLDERS: &str = "holders";

#[derive(Debug, Clone)]
pub(super) struct Locks {
    root: PathBuf,
}

impl Locks {
    pub(super) fn of(folders: &ClusterFolders) -> Self {
        Self { root: folders.root().join(FOLDER) }
    }

    /// The holder decides whether a cluster with this fingerprint is healed, replaced or made.
    pub(super) fn decision(&self, fingerprint: &Fingerprint) -> LockFile {
        self.file(fingerprint.as_str(), DECISION)
    }

    /// An exclusive holder changes this cluster or its stored state.
    pub(super) fn gate(&self, name: &ClusterName) -> LockFile {
        self.file(name.as_str(), GATE)
    }

    /// A shared holder uses this cluster; an exclusive holder that also holds the gate may remove it. The time of the
    /// file's last use is that of the cluster.
    pub(super) fn lease(&self, name: &ClusterName) -> LockFile {
        self.file(name.as_str(), LEASE)
    }

    /// The folder with one record for each holder of the lease.
    pub(super) fn holders(&self, name: &ClusterName) -> PathBuf {
        self.path(name.as_str(), HOLDERS)
    }

    /// Removes the unused lock files of clusters that do not exist.
    pub(super) fn tidy(&self, folders: &ClusterFolders) -> Result<(), ClusterError> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(ClusterError::file("list", &self.root))?,
        };
        let names = folders.names()?;
        let states = names.iter().filter_map(|name| folders.folder_of(name).state().ok()?);
        let fingerprints: Vec<_> = states.map(|state| state.fingerprint.to_string()).collect();
        for entry in entries {
            let path = entry.map_err(ClusterError::file("list", &self.root))?.path();
            let part =
                |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).unwrap_or_default().to_owned();
            let (stem, kind) = (part(path.file_stem()), part(path.extension()));
            let needed = match kind.as_str() {
                DECISION => fingerprints.contains(&stem),
                GATE => names.iter().any(|name| name.as_str() == stem),
                _ => true,
            };
            // A process that holds it is about to make a cluster.
            if !needed && let Some(locked) = LockFile::new(path).try_exclusive()? {
                locked.remove()?;
            }
        }
        Ok(())
    }

    fn file(&self, stem: &str, kind: &str) -> LockFile {
        LockFile::new(self.path(stem, kind))
    }

    fn path(&self, stem: &str, kind: &str) -> PathBuf {
        self.root.join(format!("{stem}.{kind}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_locks_of_removed_clusters_are_deleted() {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let locks = Locks::of(&folders);
        let [gone, making, there] = ["gone", "making", "there"].map(|name| name.parse::<ClusterName>().unwrap());
        fs::create_dir(root.path().join(there.as_str())).unwrap();
        for name in [&gone, &there] {
            drop(locks.gate(name).try_exclusive().unwrap().unwrap());
        }
        let _held = locks.gate(&making).try_exclusive().unwrap().unwrap();
        locks.tidy(&folders).unwrap();
        let left = |name: &ClusterName| locks.gate(name).used().is_some();
        assert_eq!([left(&gone), left(&making), left(&there)], [false, true, true]);
    }
}
