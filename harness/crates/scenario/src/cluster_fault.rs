//! What is done to a cluster rather than to a component: steps that only Kubernetes trials have.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::{Step, StepKind, default_action_within, default_within};
use super::texts::ComponentRef;

/// Something that is done to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterFault {
    /// Pods are deleted.
    DeletePod(DeletePod),
    /// The Hourglass operator is killed.
    KillClusterOperator(KillClusterOperator),
    /// The Hourglass operator is stopped or started.
    ScaleClusterOperator(ScaleClusterOperator),
    /// A node is cordoned and drained.
    DrainNode(DrainNode),
    /// Nodes are uncordoned.
    UncordonNodes(UncordonNodes),
    /// Pods are limited by a quota.
    LimitPods(LimitPods),
    /// Two components are kept from each other.
    Cut(Cut),
    /// They are let through to each other again.
    Mend(Mend),
}

/// Deletes the pods of a component at once; what keeps them makes others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletePod {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Kills the cluster's Hourglass operator at once; its Deployment starts it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KillClusterOperator {
    /// How long it may take until another is there in its place.
    #[serde(default = "default_operator_within")]
    pub within: Duration,
}

/// Scales the cluster's Hourglass operator and waits until as many of it run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleClusterOperator {
    /// How many of it are to run; 0 stops it.
    #[schemars(range(min = 0, max = 3))]
    pub replicas: u8,
    /// How long that may take.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Takes no more pods on the node of a component, and evicts the trial's pods from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainNode {
    /// The component whose node it is.
    pub component: ComponentRef,
    /// How long it may take until the trial's pods are gone from the node.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Lets the nodes that the trial has drained take pods again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UncordonNodes {
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Limits how many pods may be in the trial's namespace; those that are there stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitPods {
    /// How many; without it there is no limit any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Keeps a component from connecting to another, by a policy of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Whose connections do not pass.
    pub from: ComponentRef,
    /// Where they do not arrive.
    pub to: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Lets a component connect again to another from which it was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mend {
    /// Whose connections pass again.
    pub from: ComponentRef,
    /// Where they arrive again.
    pub to: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Kubernetes keeps a container down for up to a minute that was killed again and again.
const fn default_operator_within() -> Duration {
    Duration::from_secs(90)
}

impl ClusterFault {
    /// What a step does to the cluster; nothing of a step that is about something else.
    pub fn of(kind: &StepKind) -> Option<Self> {
        Some(match kind {
            StepKind::DeletePod(fault) => Self::DeletePod(fault.clone()),
            StepKind::KillClusterOperator(fault) => Self::KillClusterOperator(fault.clone()),
            StepKind::ScaleClusterOperator(fault) => Self::ScaleClusterOperator(fault.clone()),
            StepKind::DrainNode(fault) => Self::DrainNode(fault.clone()),
            StepKind::UncordonNodes(fault) => Self::UncordonNodes(fault.clone()),
            StepKind::LimitPods(fault) => Self::LimitPods(fault.clone()),
            StepKind::Cut(fault) => Self::Cut(fault.clone()),
            StepKind::Mend(fault) => Self::Mend(fault.clone()),
            _ => return None,
        })
    }

    /// The key under which its step stands in a file.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::DeletePod(_) => "delete_pod",
            Self::KillClusterOperator(_) => "kill_cluster_operator",
            Self::ScaleClusterOperator(_) => "scale_cluster_operator",
            Self::DrainNode(_) => "drain_node",
            Self::UncordonNodes(_) => "uncordon_nodes",
            Self::LimitPods(_) => "limit_pods",
            Self::Cut(_) => "cut",
            Self::Mend(_) => "mend",
        }
    }

    /// Whether others in the same cluster feel it.
    pub const fn is_felt_by_others(&self) -> bool {
        matches!(self, Self::KillClusterOperator(_) | Self::ScaleClusterOperator(_) | Self::DrainNode(_))
    }

    /// All that steps do to the cluster, those that run side by side included.
    pub fn all_in(steps: &[Step]) -> Vec<Self> {
        Step::all_in(steps).into_iter().filter_map(|step| Self::of(&step.kind)).collect()
    }
}
