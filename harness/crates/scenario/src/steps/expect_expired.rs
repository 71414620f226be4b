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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_component::document::Report;
    use rstest::rstest;

    use crate::Loader;

    /// Any task expires if chain time is moved before it can be verified.
    #[rstest]
    #[case::at_once("", "", true)]
    #[case::after_what_does_not_wait("", "  - mine: {blocks: 1}\n", true)]
    #[case::after_a_call(
        "",
        "  - call: {to: task_mailbox, function: 'version() returns (string)', expect: ['1']}\n",
        true
    )]
    #[case::after_a_wait("", "  - expect_event: {event: quorum_unreachable, task: task}\n", false)]
    #[case::by_itself("topology: {mining: 1s, task_sla: 5s}\n", "", false)]
    fn an_expiry_that_the_step_itself_causes_is_a_warning(
        #[case] head: &str,
        #[case] before: &str,
        #[case] is_warned_of: bool,
    ) {
        let text = format!(
            "name: own\ndescription: A test's own.\n{head}steps:\n  - create_task: {{payload: a}}\n{before}  - expect_expired: {{}}\n"
        );
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap();
        let warnings: Vec<_> = file.warnings.iter().map(Report::one_line).collect();
        let found = warnings.iter().any(|warning| warning.contains("`task` expires here even if it could be verified"));
        assert_eq!((found, warnings.len()), (is_warned_of, usize::from(is_warned_of)), "{warnings:?}");
    }
}
