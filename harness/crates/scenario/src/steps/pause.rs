//! `pause` and `resume`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::default_action_within;
use super::definition::{ClusterAccess, StepDefinition, StepProperties};
use crate::texts::ComponentRef;

/// Stops the clock of a component: it stands still, its connections stay open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Lets a paused component go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for Pause {
    const PROPERTIES: StepProperties = StepProperties {
        cluster: ClusterAccess::Nodes { because: "stops processes, which takes the nodes" },
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}

impl StepDefinition for Resume {
    const PROPERTIES: StepProperties = StepProperties::FAULT;

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}
