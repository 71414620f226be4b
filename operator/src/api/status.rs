//! What the operator answers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Type of the condition that says whether tasks can be sent to it.
pub const AVAILABLE: &str = "Available";
/// Type of the condition that says whether it is on its way to what its spec says.
pub const PROGRESSING: &str = "Progressing";
/// Type of the condition that says whether something keeps it from what its spec says, and what.
pub const DEGRADED: &str = "Degraded";

/// How far a performer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PerformerPhase {
    /// No pod of it is ready yet.
    #[default]
    Pending,
    /// A pod of what the spec says is ready.
    Running,
    /// It serves with what the spec said before, until what it says now is ready.
    Upgrading,
    /// It drains and is removed.
    Terminating,
    /// It cannot become ready without somebody's doing; conditions say why.
    Failed,
}

/// What became of a performer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformerStatus {
    /// How far it is.
    #[serde(default)]
    pub phase: PerformerPhase,
    /// Whether a pod of it is ready.
    #[serde(default)]
    pub ready: bool,
    /// The ready pod, or the newest where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// The Service in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// Where it is reached from inside the cluster, as `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_endpoint: Option<String>,
    /// `Available`, `Progressing` and `Degraded`, with reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The generation of the spec that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When a pod of another template was last put in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_upgrade: Option<Time>,
    /// When it became ready, since it last was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_time: Option<Time>,
}
