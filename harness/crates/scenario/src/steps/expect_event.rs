//! `expect_event`.

use hourglass_component::{
    document::{Duration, Pointer, Problem},
    events::{Reporter, TaskEvent},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::{default_within, one};
use super::definition::{StepDefinition, StepProperties};
use crate::texts::ComponentRef;

/// Waits until components or chains have reported an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectEvent {
    /// The event.
    pub event: TaskEvent,
    /// The task, or group of tasks, that it is about. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The component that reports it. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentRef>,
    /// How many such events at least, counted from the start of the trial.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl StepDefinition for ExpectEvent {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        self.component.iter().map(|component| ("component", component)).collect()
    }

    /// An event counts only from a component that may report it: from another one it would never come.
    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        let Some(component) = &self.component else { return };
        let (reports, reporter) = match self.event.reporter() {
            Reporter::Aggregator => (*component == ComponentRef::Aggregator, "the aggregator"),
            Reporter::Executor => (matches!(component, ComponentRef::Executor(_)), "an executor"),
            Reporter::Chain => (false, "a chain"),
        };
        if !reports {
            let event = self.event;
            check.problems.add(
                Problem::at_value(&at.key("component"), format!("`{component}` does not report `{event}`"))
                    .label(format!("`{event}` is reported by {reporter}"))
                    .help("name the component that reports the event, or leave `component` out"),
            );
        }
    }
}
