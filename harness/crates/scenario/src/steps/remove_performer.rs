//! `remove_performer`.

use hourglass_component::document::{Duration, Pointer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GrpcCode;
use super::check::StepCheck;
use super::defaults::default_action_within;
use super::definition::{NamedPerformer, StepDefinition, StepProperties};

/// Removes a performer through the management service of an operator's executor, and waits until it is not listed any more. Its end is
/// expected. An executor without a performer refuses tasks until another one is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePerformer {
    /// The operator, one of the first AVS; the step is about its performers for that AVS.
    pub operator: String,
    /// The performer, by its name in the step that deployed it. Default: the one in service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "performer name", extend("examples" = ["green"]))]
    pub performer: Option<String>,
    /// The code with which the executor must refuse the removal. Default: it must succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_refused: Option<GrpcCode>,
    /// How long it may take, including the tasks that run on it.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl StepDefinition for RemovePerformer {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn performers(&self, at: &Pointer) -> Vec<NamedPerformer<'_>> {
        let named = self.performer.iter();
        named
            .map(|name| NamedPerformer { name, operator: &self.operator, at: at.key("performer"), is_key: false })
            .collect()
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        check.operator_of_first(&self.operator, &at.key("operator"));
    }
}
