//! An existing cluster, by a context of a kubeconfig: the harness creates and removes nothing there but its own
//! namespaces.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::timeout;

use super::{Cluster, ClusterError, ClusterSpec, Progress, Provider, access::of_user, guard};

/// How long its API server may take for its first answer; a firewall that drops packets gives none.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Provides the cluster of a kubeconfig's context.
#[derive(Debug, Clone)]
pub struct Existing {
    kubeconfig: PathBuf,
    context: Option<String>,
}

impl Existing {
    /// The cluster of a context, or of the current one if none is named. The kubeconfig is the one named, else those
    /// that `KUBECONFIG` lists, else the user's.
    pub fn new(kubeconfig: Option<PathBuf>, context: Option<String>) -> Self {
        Self { kubeconfig: kubeconfig.unwrap_or_else(of_user), context }
    }

    /// The kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Existing {
    /// A cluster that answers. A cluster that looks like production is refused, unless its context was named.
    pub async fn connect(&self, progress: &Progress<'_>) -> Result<Cluster, ClusterError> {
        guard::refuse_production(&self.kubeconfig, self.context.as_deref())?;
        self.create(&ClusterSpec::default(), progress).await
    }
}

#[async_trait]
impl Provider for Existing {
    /// The owner decides what the cluster is like, so the specification is ignored.
    async fn create(&self, _spec: &ClusterSpec, progress: &Progress<'_>) -> Result<Cluster, ClusterError> {
        progress("asking the API server for its version");
        let name = self.context.as_deref().unwrap_or("current context");
        let cluster = Cluster::connect(name, self.kubeconfig.clone(), self.context.as_deref(), None).await?;
        let cluster = Cluster { name: cluster.context.clone(), ..cluster };
        let unreachable = |source| ClusterError::Unreachable {
            name: cluster.name.clone(),
            kubeconfig: self.kubeconfig.clone(),
            within: ANSWER_WITHIN,
            source,
        };
        match timeout(ANSWER_WITHIN, cluster.client.apiserver_version()).await {
            Ok(Ok(_)) => Ok(cluster),
            Ok(Err(error @ kube::Error::Api(_))) => {
                Err(ClusterError::api(&cluster.name, "ask the API server for its version")(error))
            }
            Ok(Err(error)) => Err(unreachable(Some(Box::new(error)))),
            Err(_) => Err(unreachable(None)),
        }
    }

    /// The cluster stays.
    async fn delete(&self, _cluster: &Cluster) -> Result<(), ClusterError> {
        Ok(())
    }
}
