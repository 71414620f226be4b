//! The cluster of an environment, and what a test can do to it.

use std::{panic::Location, sync::Arc};

use crate::{Action, session::Session, step::PendingStep};

/// The cluster that an environment runs in. Without a cluster, everything here is refused.
///
/// ```no_run
/// # use hourglass_api::{Harness, HarnessError, Runtime};
/// # async fn example() -> Result<(), HarnessError> {
/// let env = Harness::builder().runtime(Runtime::Kubernetes).exclusive_cluster().start().await?;
/// let cluster = env.cluster();
/// cluster.scale_operator(0).await?;
/// cluster.scale_operator(1).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ClusterHandle {
    session: Arc<Session>,
}

impl ClusterHandle {
    pub(crate) fn new(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session) }
    }

    /// Kills the cluster's Hourglass operator at once, and waits until another one runs. Needs
    /// [`HarnessBuilder::exclusive_cluster`](crate::HarnessBuilder::exclusive_cluster).
    #[track_caller]
    pub fn kill_operator(&self) -> Action {
        self.action("kill_cluster_operator", Location::caller())
    }

    /// Scales the cluster's Hourglass operator to 0 to 3 replicas, and waits until as many run. Needs
    /// [`HarnessBuilder::exclusive_cluster`](crate::HarnessBuilder::exclusive_cluster).
    #[track_caller]
    pub fn scale_operator(&self, replicas: u8) -> Action {
        let Action(step) = self.action("scale_cluster_operator", Location::caller());
        Action(step.with("replicas", replicas.into()))
    }

    /// Lets the nodes that the environment has drained take pods again.
    #[track_caller]
    pub fn uncordon_nodes(&self) -> Action {
        self.action("uncordon_nodes", Location::caller())
    }

    /// Limits how many pods may be in the environment's namespace; those that are there stay. `None` removes the limit.
    #[track_caller]
    pub fn set_pod_quota(&self, pods: Option<u32>) -> Action {
        let Action(step) = self.action("set_pod_quota", Location::caller());
        // Without the key, the step removes the limit.
        Action(pods.into_iter().fold(step, |step, pods| step.with("pods", pods.into())))
    }

    fn action(&self, kind: &'static str, location: &'static Location<'static>) -> Action {
        Action(PendingStep::new(&self.session, kind, location))
    }
}
