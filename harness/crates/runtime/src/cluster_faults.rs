//! What is done to the cluster that a trial's parts run in, rather than to one of them.

use std::time::Duration;

use async_trait::async_trait;
use hourglass_scenario::ComponentRef;

use super::RuntimeError;

/// Faults of a cluster: one function for each step that needs one.
#[async_trait]
pub trait ClusterFaults: Send + Sync {
    /// Deletes the pods of a component at once; what keeps them makes others.
    async fn delete_pod(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Kills the Hourglass operator at once.
    async fn kill_cluster_operator(&self) -> Result<(), RuntimeError>;

    /// Scales the Hourglass operator and waits until as many of it run.
    async fn scale_cluster_operator(&self, replicas: u8, within: Duration) -> Result<(), RuntimeError>;

    /// Cordons the node of a component and evicts the trial's pods from it.
    async fn drain_node(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError>;

    /// Lets the nodes that a trial has drained take pods again.
    async fn uncordon_nodes(&self) -> Result<(), RuntimeError>;

    /// Limits how many pods may be in the trial's namespace; without a number there is no limit any more.
    async fn set_pod_quota(&self, pods: Option<u32>) -> Result<(), RuntimeError>;

    /// Keeps a component from connecting to another.
    async fn partition(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError>;

    /// Lets a component connect to another again.
    async fn heal(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError>;
}
