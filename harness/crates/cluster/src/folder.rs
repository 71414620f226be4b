//! What is stored about clusters on this machine: a folder for each, with its kubeconfig and its state.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use hourglass_base::cache::cache_folder;
use hourglass_reaper::Owner;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClusterError, ClusterName, ClusterSpec, Fingerprint};

const STATE: &str = "state.json";
const PATCHES: &str = "patches";
const KIND_CONFIG: &str = "kind.yaml";
/// No cluster can have this name.
const FAILED: &str = "_failed";

/// The folders of all clusters that the harness made on this machine.
#[derive(Debug, Clone)]
pub struct ClusterFolders {
    root: PathBuf,
}

/// The folder of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFolder {
    path: PathBuf,
}

/// How far a cluster has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is being made; if its maker is gone, it never becomes usable.
    Creating,
    /// It was usable once.
    Usable,
    /// It is being removed.
    Deleting,
}

/// The stored state of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Its name.
    pub name: ClusterName,
    /// Its specification.
    pub spec: ClusterSpec,
    /// The fingerprint that trials find it by.
    pub fingerprint: Fingerprint,
    /// The engine's id of its node image.
    pub node_image_id: String,
    /// The name of its network.
    pub network: String,
    /// How far it has come.
    pub stage: Stage,
    /// The process that makes or made it.
    pub owner: Option<Owner>,
    /// When its creation began.
    pub created: Timestamp,
    /// When each of its nodes was started last, as the engine reports it, by node name: another time means that the
    /// node was restarted.
    #[serde(default)]
    pub started: std::collections::BTreeMap<String, String>,
    /// The address of the engine that has it; other engines do not know it.
    #[serde(default)]
    pub engine: Option<String>,
    /// How long it is kept when nobody uses it.
    #[serde(default)]
    pub idle: Option<Duration>,
}

impl ClusterFolders {
    /// Below the harness's cache folder (`HARNESS_CACHE`), which survives a restart of the machine as the clusters do.
    pub fn locate() -> Result<Self, ClusterError> {
        Ok(Self::below(cache_folder()?.join("clusters")))
    }

    /// Below another folder.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that holds them.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for evidence of clusters that could not be made.
    pub fn failed(&self) -> PathBuf {
        self.root.join(FAILED)
    }

    /// The folder of a cluster, which need not exist.
    pub fn folder_of(&self, name: &ClusterName) -> ClusterFolder {
        ClusterFolder { path: self.root.join(name.as_str()) }
    }

    /// The clusters that have a folder, by name. A folder with something else in it is somebody else's, and nobody may remove it.
    pub fn names(&self) -> Result<Vec<ClusterName>, ClusterError> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(ClusterError::file("list", &self.root))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(ClusterError::file("list", &self.root))?;
            let name = entry.file_name().to_str().and_then(|name| name.parse().ok());
            names.extend(name.filter(|_| is_of_cluster(&entry.path())));
        }
        names.sort();
        Ok(names)
    }
}

impl ClusterFolder {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cluster's own kubeconfig; the user's is never changed.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// The configuration file for kind.
    pub fn kind_config(&self) -> PathBuf {
        self.path.join(KIND_CONFIG)
    }

    /// The folder of kubeadm's patches for the pods of the control plane.
    pub fn patches(&self) -> PathBuf {
        self.path.join(PATCHES)
    }

    /// The file of the cluster's state.
    pub fn state_file(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// The stored state; `None` if there is no such cluster.
    pub fn state(&self) -> Result<Option<ClusterState>, ClusterError> {
        let path = self.state_file();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(ClusterError::file("read", &path))?,
        };
        serde_json::from_str(&text).map(Some).map_err(|source| ClusterError::State { path, source })
    }

    /// Stores the state, whole or not at all.
    pub fn keep(&self, state: &ClusterState) -> Result<(), ClusterError> {
        let path = self.state_file();
        let write = || {
            fs::create_dir_all(&self.path)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(ClusterError::file("write", &path))
    }

    /// Removes all that is stored about the cluster.
    pub fn remove(&self) -> Result<(), ClusterError> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ClusterError::file("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a folder is that of a cluster: one with a state, or what a removal that was interrupted has left.
fn is_of_cluster(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let names: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    let has = |name: &str| names.iter().any(|found| found == name);
    names.is_empty() || has(STATE) || has(PATCHES) || has(KIND_CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_no_cluster() {
        let root = tempfile::tempdir().unwrap();
        for (cluster, file) in [("kept", STATE), ("half", KIND_CONFIG), ("prod", "kubeconfig"), ("notes", "readme.md")]
        {
            fs::create_dir(root.path().join(cluster)).unwrap();
            fs::write(root.path().join(cluster).join(file), "").unwrap();
        }
        fs::create_dir(root.path().join("empty")).unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let names = ClusterFolders::below(root.path()).names().unwrap();
        assert_eq!(names.iter().map(ClusterName::as_str).collect::<Vec<_>>(), ["empty", "half", "kept"]);
    }
}
