//! Evidence that is kept after its cluster is gone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Limits, Sources, collect};
use crate::ClusterError;

/// How many failures keep their folder.
pub const KEPT: usize = 3;

/// Collects the evidence of a cluster that failed into a folder of the cluster's name below `folder`, and keeps the
/// latest [`KEPT`] such folders. Returns the folder's path.
///
/// Call this before anything is cleaned up. The caller has an error already, and this must not hide it.
pub async fn on_failure(from: impl Into<Sources>, folder: &Path) -> Result<PathBuf, ClusterError> {
    let sources = from.into();
    // The name of a context may contain any character.
    let path = folder.join(sources.cluster.replace('/', "-"));
    // The evidence of an earlier cluster with the same name would be taken for this one's.
    remove(&path)?;
    collect(sources, &[], &path, &Limits::default()).await?;
    for old in superseded(folder).map_err(ClusterError::file("list", folder))? {
        remove(&old)?;
    }
    Ok(path)
}

/// All folders but the latest.
fn superseded(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another process may have removed it meanwhile.
        if let Ok(metadata) = entry.metadata() {
            found.push((metadata.modified()?, entry.path()));
        }
    }
    found.sort();
    found.truncate(found.len().saturating_sub(KEPT));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn remove(path: &Path) -> Result<(), ClusterError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ClusterError::file("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;

    #[test]
    fn the_latest_failures_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for age in 0..5_u64 {
            let path = folder.path().join(age.to_string());
            fs::create_dir(&path).unwrap();
            File::open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        let mut names: Vec<_> = superseded(folder.path()).unwrap();
        names.sort();
        assert_eq!(names, [folder.path().join("3"), folder.path().join("4")]);
    }
}
