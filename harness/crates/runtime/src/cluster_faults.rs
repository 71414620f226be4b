//! Faults of the cluster that runs a trial's components, rather than of one component.

use std::time::Duration;

use async_trait::async_trait;
use hourglass_scenario::ComponentRef;

use super::RuntimeError;

/// Faults of a cluster: one function for each step that needs one.
#[async_trait]
pub trait ClusterFaults: Send + Sync {
    /// Deletes the pods of a component at once; their controller creates new ones.
    async fn delete_pod(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Kills the Hourglass operator at once.
    async fn kill_cluster_operator(&self) -> Result<(), RuntimeError>;

    /// Scales the Hourglass operator and waits until that many replicas run.
    async fn scale_cluster_operator(&self, replicas: u8, within: Duration) -> Result<(), RuntimeError>;

    /// Cordons the node of a component and evicts the trial's pods from it.
    async fn drain_node(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError>;

    /// Uncordons the nodes that a trial has drained.
    async fn uncordon_nodes(&self) -> Result<(), RuntimeError>;

    /// Limits the number of pods in the trial's namespace; `None` removes the limit.
    async fn set_pod_quota(&self, pods: Option<u32>) -> Result<(), RuntimeError>;

    /// Keeps a component from connecting to another.
    async fn partition(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError>;

    /// Lets a component connect to another again.
    async fn heal(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError>;
}
