//! `expect_expired`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{default_task, default_within};
use super::definition::{StepDefinition, StepProperties};

/// Waits until the task has expired without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectExpired {
    /// The task, or group of tasks.
    #[serde(default = "default_task")]
    pub task: String,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl StepDefinition for ExpectExpired {
    const PROPERTIES: StepProperties = StepProperties {
        note: "The chain is warped past the\ndeadline; with interval mining its time is awaited.",
        ..StepProperties::EXPECTATION
    };

    fn within(&self) -> Duration {
        self.within
    }

    fn task(&self) -> Option<&str> {
        Some(&self.task)
    }
}
