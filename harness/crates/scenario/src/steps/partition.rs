//! `partition` and `heal`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::default_action_within;
use super::definition::{ClusterAccess, StepDefinition, StepProperties, StepRuntimes};
use crate::texts::ComponentRef;

/// Keeps a component from connecting to another, by a policy of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
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
pub struct Heal {
    /// Whose connections pass again.
    pub from: ComponentRef,
    /// Where they arrive again.
    pub to: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for Partition {
    const PROPERTIES: StepProperties = StepProperties {
        runtimes: StepRuntimes::Cluster,
        cluster: ClusterAccess::ENDS_CONNECTIONS,
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("from", &self.from), ("to", &self.to)]
    }
}

impl StepDefinition for Heal {
    const PROPERTIES: StepProperties = StepProperties { runtimes: StepRuntimes::Cluster, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        vec![("from", &self.from), ("to", &self.to)]
    }
}
