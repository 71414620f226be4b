//! `expect_performers`.

use std::collections::BTreeMap;
use std::fmt;

use hourglass_component::document::{Duration, Pointer, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::default_within;
use super::definition::{NamedPerformer, StepDefinition, StepProperties};

/// Waits until the executor of an operator lists these performers. A performer that was replaced is not listed any more, even
/// while it finishes its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectPerformers {
    /// The operator, one of the first AVS; the step is about its performers for that AVS.
    pub operator: String,
    /// How many there must be, in any role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The role of each of these performers, by their names in the steps that deployed them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub performers: BTreeMap<String, PerformerRole>,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// The role that an executor lists a performer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PerformerRole {
    /// It is healthy and takes the tasks.
    InService,
    /// It was started and takes no tasks yet.
    Staged,
    /// It is not listed.
    Absent,
}

impl fmt::Display for PerformerRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::InService => "in service",
            Self::Staged => "staged",
            Self::Absent => "absent",
        })
    }
}

impl StepDefinition for ExpectPerformers {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn performers(&self, at: &Pointer) -> Vec<NamedPerformer<'_>> {
        let at = at.key("performers");
        let named = |name| NamedPerformer { name, operator: &self.operator, at: at.key(name), is_key: true };
        self.performers.keys().map(|name| named(name)).collect()
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        check.operator_of_first(&self.operator, &at.key("operator"));
        // A role that could not be read is left out.
        if self.count.is_none() && self.performers.is_empty() && !check.problems.touch(at) {
            check.problems.add(
                Problem::at_value(at, "the step expects nothing of the performers")
                    .label("cannot fail")
                    .help("add `count` or `performers`"),
            );
        }
    }
}
