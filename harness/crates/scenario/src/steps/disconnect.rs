//! `disconnect` and `reconnect`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{default_action_within, default_within};
use super::definition::{ClusterAccess, StepDefinition, StepProperties, StepRuntimes};
use crate::texts::ComponentRef;

/// Takes a component off the network: it goes on and reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Puts a component back on the network and waits until it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconnect {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take to be ready.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl StepDefinition for Disconnect {
    const PROPERTIES: StepProperties = StepProperties {
        runtimes: StepRuntimes::Containers,
        cluster: ClusterAccess::ENDS_CONNECTIONS,
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}

impl StepDefinition for Reconnect {
    const PROPERTIES: StepProperties =
        StepProperties { runtimes: StepRuntimes::Containers, reports_timeout: true, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("component", &self.component)]
    }
}
