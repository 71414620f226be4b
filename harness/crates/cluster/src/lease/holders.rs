//! The processes that use a cluster, for display: the lock is what counts.

use std::{fmt, fs, path::Path};

use hourglass_reaper::Owner;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{
    lock::{LockFile, Locked},
    locks::Locks,
};
use crate::{ClusterError, ClusterName};

/// A process that uses a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// The process.
    pub owner: Owner,
    /// The run of nextest that it belongs to.
    pub run: Option<String>,
    /// Since when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {}", self.owner.pid)?;
        self.run.as_ref().map_or(Ok(()), |run| write!(formatter, " of nextest's run {run}"))
    }
}

/// The use of a cluster; it ends when this is dropped, or with the process.
#[derive(Debug)]
pub(super) struct Held {
    /// Removed before the lock is released; a record that remains belongs to a process that is gone.
    _record: Option<NamedTempFile>,
    lease: Locked,
}

impl Held {
    /// Begins to use a cluster. The caller must hold the gate, shared or exclusively: nobody removes the cluster then.
    pub(super) async fn take(locks: &Locks, name: &ClusterName, run: Option<&str>) -> Result<Self, ClusterError> {
        let lease: LockFile = locks.lease(name);
        let lease = lease.shared().await?;
        lease.touch()?;
        let record =
            Owner::current().map(|owner| Holder { owner, run: run.map(str::to_owned), since: Timestamp::now() });
        // A full disk must not keep anybody from a cluster.
        let record = record.and_then(|holder| record_in(&locks.holders(name), &holder).ok());
        Ok(Self { _record: record, lease })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A file that cannot be touched counts as idle since the lease was taken.
        let _ = self.lease.touch();
        tracing::debug!("lease of the cluster released");
    }
}

fn record_in(folder: &Path, holder: &Holder) -> std::io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix("").suffix(".json").tempfile_in(folder)?;
    serde_json::to_writer(&mut file, holder)?;
    Ok(file)
}

/// The living processes that use a cluster, the one that has used it longest first; removes the records of processes
/// that are gone.
pub(super) fn holders_of(locks: &Locks, name: &ClusterName) -> Vec<Holder> {
    let mut holders = Vec::new();
    for entry in fs::read_dir(locks.holders(name)).into_iter().flatten().flatten() {
        // A record that is being written belongs to a process that is about to appear.
        let read = fs::read(entry.path()).ok().and_then(|text| serde_json::from_slice::<Holder>(&text).ok());
        match read {
            Some(holder) if holder.owner.is_alive() => holders.push(holder),
            Some(_) => drop(fs::remove_file(entry.path())),
            None => {}
        }
    }
    holders.sort_by_key(|holder| (holder.since, holder.owner.pid));
    holders
}

/// `in use by process 12 and process 13`
pub(super) fn in_use_by(holders: &[Holder]) -> String {
    const NAMED: usize = 3;
    let mut named: Vec<_> = holders.iter().take(NAMED).map(Holder::to_string).collect();
    if holders.len() > NAMED {
        named.push(format!("{} others", holders.len() - NAMED));
    }
    match named.split_last() {
        None => "in use".to_owned(),
        Some((one, [])) => format!("in use by {one}"),
        Some((last, others)) => format!("in use by {} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClusterFolders;

    fn locks_of_one_cluster() -> (tempfile::TempDir, Locks, ClusterName) {
        let root = tempfile::tempdir().unwrap();
        let locks = Locks::of(&ClusterFolders::below(root.path()));
        (root, locks, "a".parse().unwrap())
    }

    fn gone() -> Holder {
        let owner = Owner { started: 1, ..Owner::current().unwrap() };
        Holder { owner, run: None, since: Timestamp::now() }
    }

    /// A message that a cluster is in use must name living processes only.
    #[tokio::test]
    async fn living_holders_are_listed_and_dead_ones_removed() {
        let (_root, locks, name) = locks_of_one_cluster();
        let held = Held::take(&locks, &name, Some("run-1")).await.unwrap();
        let (_, killed) = record_in(&locks.holders(&name), &gone()).unwrap().keep().unwrap();
        let holders = holders_of(&locks, &name);
        let own = std::process::id();
        assert_eq!(in_use_by(&holders), format!("in use by process {own} of nextest's run run-1"));
        assert!(!killed.exists(), "the record of a killed process would stay for ever");
        drop(held);
        assert_eq!(holders_of(&locks, &name), []);
        assert!(locks.lease(&name).try_exclusive().unwrap().is_some(), "a lease that was given back is still locked");
    }

    #[test]
    fn many_holders_are_counted() {
        let holders: Vec<_> = (1..=5).map(|pid| Holder { owner: Owner { pid, ..gone().owner }, ..gone() }).collect();
        assert_eq!(in_use_by(&holders[..2]), "in use by process 1 and process 2");
        assert_eq!(in_use_by(&holders), "in use by process 1, process 2, process 3 and 2 others");
    }
}
