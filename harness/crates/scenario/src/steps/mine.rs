//! `mine`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{default_action_within, one};
use super::definition::{StepDefinition, StepProperties};
use crate::values::Chain;

/// Mines blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mine {
    /// The chain.
    #[serde(default)]
    pub chain: Chain,
    /// How many blocks.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub blocks: u32,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for Mine {
    const PROPERTIES: StepProperties = StepProperties::ACTION;

    fn within(&self) -> Duration {
        self.within
    }
}
