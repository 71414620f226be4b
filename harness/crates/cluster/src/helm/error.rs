//! Why something could not be done with a release.

use std::{io, path::PathBuf, time::Duration};

use hourglass_base::cache::CacheError;

use crate::{ClusterError, ToolError};

/// Why something could not be done with a release.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// Helm is missing or unusable.
    #[error(transparent)]
    Tool(Box<ToolError>),
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The cluster.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// A file.
    #[error("failed to {doing} {path}", path = path.display())]
    File {
        /// What the operation was.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Helm could not be run.
    #[error("failed to run {program}", program = program.display())]
    Run {
        /// Where it is.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Helm failed.
    #[error("failed to {doing} Helm release {release} in cluster {cluster}: {said}")]
    Failed {
        /// The operation on the release, as `install`.
        doing: &'static str,
        /// Its namespace and name.
        release: String,
        /// The cluster.
        cluster: String,
        /// The error that Helm wrote.
        said: String,
    },
    /// Helm does not end.
    #[error("failed to {doing} Helm release {release} in cluster {cluster} within {}", humantime::format_duration(*within))]
    Late {
        /// The operation on the release.
        doing: &'static str,
        /// Its namespace and name.
        release: String,
        /// The cluster.
        cluster: String,
        /// How long it was awaited.
        within: Duration,
    },
    /// Another Helm works on the release and does not end.
    #[error("timed out after {} waiting for another Helm to leave Helm release {release} in cluster {cluster}: it is {stage}", humantime::format_duration(*within))]
    Busy {
        /// Its namespace and name.
        release: String,
        /// The cluster.
        cluster: String,
        /// The stage in Helm's record of it.
        stage: String,
        /// How long it was awaited.
        within: Duration,
    },
}

impl From<ToolError> for HelmError {
    fn from(error: ToolError) -> Self {
        Self::Tool(Box::new(error))
    }
}

impl From<ClusterError> for HelmError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl HelmError {
    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Tool(error) => Some(error.remedy()),
            Self::Cluster(error) => error.remedy(),
            Self::Failed { said, .. } if said.contains("Kubernetes cluster unreachable") => {
                Some("see that the cluster's API server runs and can be reached from this machine".to_owned())
            }
            Self::Failed { said, .. } if said.contains("forbidden") => {
                Some("have a ClusterRole bound to the user of the context that allows it".to_owned())
            }
            Self::Late { .. } => {
                Some("see that the cluster's API server runs; what is left is removed by the next try".to_owned())
            }
            Self::Busy { release, .. } => {
                let (namespace, name) = release.split_once('/').unwrap_or(("default", release));
                Some(format!("let the other end, or look with `helm history {name} --namespace {namespace}`"))
            }
            _ => None,
        }
    }

    /// For `map_err` on operations with files.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
