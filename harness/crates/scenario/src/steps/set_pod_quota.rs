//! `set_pod_quota`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::default_action_within;
use super::definition::{ClusterAccess, StepDefinition, StepProperties, StepRuntimes};

/// Limits how many pods may be in the trial's namespace; those that are there stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPodQuota {
    /// How many; without it there is no limit any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for SetPodQuota {
    const PROPERTIES: StepProperties = StepProperties {
        runtimes: StepRuntimes::Cluster,
        cluster: ClusterAccess::WholeNamespace { because: "limits all pods of the namespace" },
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }
}
