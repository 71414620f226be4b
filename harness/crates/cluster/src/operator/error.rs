//! Why there is no operator.

use std::time::Duration;

use crate::{ClusterError, helm::HelmError};

/// Why there is no operator in a cluster.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The cluster.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// Its release.
    #[error(transparent)]
    Helm(Box<HelmError>),
    /// The definition of Performer exists, and does not have the required content.
    #[error("failed to use definition {crd} of cluster {cluster}: {reason}")]
    Crd {
        /// The cluster.
        cluster: String,
        /// The definition.
        crd: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The API server does not accept the definition.
    #[error("timed out after {} waiting for definition {crd} of cluster {cluster} to be established: {state}", humantime::format_duration(*within))]
    CrdNotEstablished {
        /// The cluster.
        cluster: String,
        /// The definition.
        crd: String,
        /// How long it was awaited.
        within: Duration,
        /// What was seen last.
        state: String,
    },
    /// Two operators would work against each other.
    #[error(
        "failed to install the operator in cluster {cluster}: Deployment {found} is one, which the harness did not install"
    )]
    Other {
        /// The cluster.
        cluster: String,
        /// Namespace and name of its Deployment.
        found: String,
        /// What to do about it.
        remedy: String,
    },
    /// The namespace belongs to somebody else.
    #[error(
        "failed to install the operator in cluster {cluster}: there is a namespace {namespace}, which the harness did not make"
    )]
    NamespaceTaken {
        /// The cluster.
        cluster: String,
        /// The namespace.
        namespace: String,
        /// What to do about it.
        remedy: String,
    },
    /// No operator runs where one was expected.
    #[error("failed to use the operator that runs in cluster {cluster}: {reason}")]
    None {
        /// The cluster.
        cluster: String,
        /// What was found.
        reason: String,
    },
    /// Its pods do not get their image.
    #[error("failed to run the operator in cluster {cluster}: its nodes do not get image {image}: {said}")]
    Image {
        /// The cluster.
        cluster: String,
        /// The image.
        image: String,
        /// What the kubelet says.
        said: String,
        /// Whether nodes may pull it.
        pulled: bool,
    },
    /// It does not run.
    #[error("the operator of cluster {cluster} is not available{}: {state}{log}", within.map(|within| format!(" after {}", humantime::format_duration(within))).unwrap_or_default())]
    NotAvailable {
        /// The cluster.
        cluster: String,
        /// How long it was awaited; `None` if waiting is of no use.
        within: Option<Duration>,
        /// The state of its Deployment and its pods.
        state: String,
        /// The end of its log, with a heading of its own; empty if there is none.
        log: String,
    },
}

impl From<ClusterError> for OperatorError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl From<HelmError> for OperatorError {
    fn from(error: HelmError) -> Self {
        Self::Helm(Box::new(error))
    }
}

impl OperatorError {
    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Cluster(error) => return error.remedy(),
            Self::Helm(error) => return error.remedy(),
            Self::Crd { remedy, .. } | Self::Other { remedy, .. } | Self::NamespaceTaken { remedy, .. } => {
                remedy.clone()
            }
            Self::CrdNotEstablished { crd, .. } => format!("see what `kubectl describe crd {crd}` says"),
            Self::None { .. } => "choose --operator install, or have one installed".to_owned(),
            Self::Image { pulled: true, .. } => {
                "push the image where the nodes can pull it and name that with --registry or --components-image"
                    .to_owned()
            }
            Self::Image { .. } => "run again: what a node lacks is sent to it".to_owned(),
            Self::NotAvailable { .. } => return None,
        };
        Some(remedy)
    }
}
