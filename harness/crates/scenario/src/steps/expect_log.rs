//! `expect_log`.

use hourglass_component::{
    chain::{ExpectedLog, LogEvent},
    document::{Duration, Pointer},
    keys::Address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::{default_within, one};
use super::definition::{StepDefinition, StepProperties};
use crate::contracts::{any_hash, no_signature, tasks_in, with_task_hashes};
use crate::values::Chain;

/// Stands for any value.
const ANY: &str = "_";

/// Waits until a contract has emitted an event, which is in the logs of its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectLog {
    /// The chain on which the contract stands.
    #[serde(default)]
    pub chain: Chain,
    /// The contract: the name of one of the environment's or of `contracts`, or an address.
    #[schemars(title = "contract", regex(pattern = "^([a-z][a-z0-9_]*|0x[0-9a-fA-F]{40})$"), extend("examples" = ["counter_hook"]))]
    pub contract: String,
    /// The event's signature with the words `indexed`, such as `Transfer(address indexed, address indexed, uint256)`.
    pub event: String,
    /// What its parameters must be, as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and tuples as JSON
    /// arrays of texts. An address may be the name of a contract or of an account; `task/NAME` is the hash of a task. `_` stands for any value. A log has
    /// only a hash of arrays and tuples that are indexed: 32 bytes. Default: any values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// How many such logs at least, counted from the start of the trial.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl ExpectLog {
    /// The same step with hashes in place of the values that stand for those of tasks; `hash_of` knows the tasks by name.
    #[must_use]
    pub fn with_task_hashes(&self, hash_of: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { values: self.values.as_ref().map(|values| with_task_hashes(values, hash_of)), ..self.clone() }
    }

    /// The event, and what its parameters must be where the step says so; `address_of` knows the names of addresses. `None` where
    /// there is no such event, which loading reports.
    pub fn read(&self, address_of: &dyn Fn(&str) -> Option<Address>) -> Option<(LogEvent, Option<ExpectedLog>)> {
        let event = LogEvent::parse(&self.event).ok()?;
        let values = self.wanted().map(|values| event.expected(&values, address_of)).transpose().ok()?;
        Some((event, values))
    }

    /// The texts of the values; `None` for one that may be any.
    fn wanted(&self) -> Option<Vec<Option<String>>> {
        let values = self.values.as_ref()?.iter();
        Some(values.map(|value| Some(value.clone()).filter(|value| value != ANY)).collect())
    }
}

impl StepDefinition for ExpectLog {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn tasks_in_values(&self, at: &Pointer) -> Vec<(&str, Pointer)> {
        tasks_in(self.values.as_deref().unwrap_or_default(), &at.key("values"))
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        match LogEvent::parse(&self.event) {
            Err(error) => {
                let help = "write it with the types of its parameters, such as `Transfer(address indexed, address indexed, uint256)`";
                check.problems.add(no_signature(&self.event, "an event", &error, help, &at.key("event")));
            }
            Ok(event) => {
                // Contracts and operators that could not be read may be what is meant.
                if let (Some(names), Some(values)) = (&check.names, self.with_task_hashes(&any_hash).wanted())
                    && let Err(error) = event.expected(&values, &|name| names.address_of(name))
                {
                    let problem = names.misfit("values", &error, &format!("`{event}`"), &at.key("values"));
                    check.problems.add(problem);
                }
            }
        }
        check.contract(&self.contract, &at.key("contract"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::Loader;

    fn problems(log: &str) -> Vec<String> {
        let text = format!("name: logs\ndescription: A test's own.\nsteps:\n  - expect_log: {{{log}}}\n");
        match Loader::new().unwrap().parse(Path::new("logs.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    #[rstest]
    #[case::any(r#"contract: fee_token, event: "Paused()""#)]
    #[case::values(
        r#"contract: fee_token, event: "Transfer(address indexed from, address indexed to, uint256)", values: [app, _, "1"]"#
    )]
    fn valid_expectations_load(#[case] log: &str) {
        assert_eq!(problems(log), [""; 0]);
    }

    #[rstest]
    #[case::contract(
        r#"contract: fee_tokn, event: "A()""#,
        "no contract is called `fee_tokn`",
        "did you mean `fee_token`?"
    )]
    #[case::event(
        "contract: fee_token, event: Transfer",
        "`Transfer` is not the signature of an event",
        "Transfer(address indexed"
    )]
    #[case::count(
        r#"contract: fee_token, event: "A(uint8)", values: []"#,
        "`values` does not fit `A(uint8)`",
        "one text for each type"
    )]
    #[case::value(
        r#"contract: fee_token, event: "A(uint8,address)", values: [_, nobody]"#,
        "`nobody` is not a value of the type `address`",
        "the name of an account"
    )]
    #[case::number(
        r#"contract: fee_token, event: "A(uint8)", values: [1]"#,
        "expected text",
        "put the value in quotes"
    )]
    fn invalid_expectations_do_not_load(#[case] log: &str, #[case] message: &str, #[case] remedy: &str) {
        let problems = problems(log);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
    }
}
