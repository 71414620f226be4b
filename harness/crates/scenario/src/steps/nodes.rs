//! `drain_node` and `uncordon_nodes`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{default_action_within, default_within};
use super::definition::{ClusterAccess, StepDefinition, StepProperties, StepRuntimes};
use crate::texts::ComponentRef;

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

impl StepDefinition for DrainNode {
    const PROPERTIES: StepProperties = StepProperties {
        runtimes: StepRuntimes::Cluster,
        cluster: ClusterAccess::Shared,
        reports_timeout: true,
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}

impl StepDefinition for UncordonNodes {
    const PROPERTIES: StepProperties = StepProperties { runtimes: StepRuntimes::Cluster, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }
}
