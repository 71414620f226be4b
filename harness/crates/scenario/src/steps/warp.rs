//! `warp`.

use hourglass_component::document::{Duration, Pointer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::default_action_within;
use super::definition::{StepDefinition, StepProperties};
use crate::check_limits;
use crate::values::Chain;

/// Moves a chain's time forward and mines a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warp {
    /// The chain.
    #[serde(default)]
    pub chain: Chain,
    /// By how much chain time.
    pub by: Duration,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for Warp {
    const PROPERTIES: StepProperties = StepProperties::ACTION;

    fn within(&self) -> Duration {
        self.within
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        check_limits::warp(self.by, &at.key("by"), check.problems);
    }
}
