//! Why an existing cluster is not used.

use std::path::PathBuf;

/// Why an existing cluster is not used.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// It may be somebody's production.
    #[error("context {context} of {kubeconfig}, which nobody named, looks like production: {because}", kubeconfig = kubeconfig.display())]
    Production {
        /// The kubeconfig.
        kubeconfig: PathBuf,
        /// Its current context.
        context: String,
        /// Why it looks like production.
        because: String,
    },
    /// The user of the context lacks permissions that trials need.
    #[error("failed to use {}cluster {cluster}: its context's user may not {}", namespace.as_ref().map(|name| format!("namespace {name} of ")).unwrap_or_default(), missing.join(", nor "))]
    Forbidden {
        /// The cluster.
        cluster: String,
        /// The namespace; `None` for permissions in all of them.
        namespace: Option<String>,
        /// The missing permissions, as `create customresourcedefinitions.apiextensions.k8s.io`.
        missing: Vec<String>,
    },
}

impl GuardError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Production { context, .. } => {
                format!("name a context with --context; --context {context} is this one, if it is meant")
            }
            Self::Forbidden { missing, .. } if missing.iter().any(|entry| entry.contains("customresourcedefinitions")) => {
                "have a role bound to the user that allows it, or have an administrator install the operator and choose \
                 --operator existing"
                    .to_owned()
            }
            Self::Forbidden { namespace: Some(namespace), .. } => {
                format!("have a Role bound to the user in namespace {namespace} that allows it")
            }
            Self::Forbidden { .. } => "have a ClusterRole bound to the user that allows it".to_owned(),
        }
    }
}
