//! `kill` and `restart`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{default_action_within, default_within};
use super::definition::{StepDefinition, StepProperties};
use crate::texts::ComponentRef;

/// Kills a component at once, without a chance to clean up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Starts a component again (after stopping it, if it runs) and waits until it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take to be ready.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl StepDefinition for Kill {
    const PROPERTIES: StepProperties = StepProperties::FAULT;

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}

impl StepDefinition for Restart {
    const PROPERTIES: StepProperties = StepProperties { reports_timeout: true, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}
