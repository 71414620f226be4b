//! `delete_pod`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::default_action_within;
use super::definition::{StepDefinition, StepProperties, StepRuntimes};
use crate::texts::ComponentRef;

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

impl StepDefinition for DeletePod {
    const PROPERTIES: StepProperties = StepProperties { runtimes: StepRuntimes::Cluster, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}
