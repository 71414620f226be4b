//! `send_transaction`.

use hourglass_component::{
    chain::Function,
    document::{Duration, Pointer},
    keys::Address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::default_within;
use super::definition::{StepDefinition, StepProperties};
use crate::contracts::{ContractCall, any_hash, deployer, tasks_in, with_task_hashes};
use crate::values::Chain;

/// Sends a transaction to a contract, which must succeed, or revert with an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendTransaction {
    /// The chain on which the contract stands.
    #[serde(default)]
    pub chain: Chain,
    /// The contract: the name of one of the environment's or of `contracts`, or an address.
    #[schemars(title = "contract", regex(pattern = "^([a-z][a-z0-9_]*|0x[0-9a-fA-F]{40})$"), extend("examples" = ["counter_hook"]))]
    pub to: String,
    /// The function's signature, such as `setLimit(uint256)`.
    pub function: String,
    /// The arguments as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and tuples as JSON arrays
    /// of texts. An address may be the name of a contract or of an account; `task/NAME` is the hash of a task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The account that sends it: `deployer`, `avs`, `avs/NAME`, `app`, `aggregator` or `operator/NAME`. Default: `deployer`.
    #[serde(default = "deployer")]
    pub from: String,
    /// The name of the custom error with which the contract must revert, or the text of its `require`. Default: the transaction
    /// must succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "error of a contract", length(min = 1), extend("examples" = ["PayloadIsEmpty"]))]
    pub reverts_with: Option<String>,
    /// How long it may take.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl SendTransaction {
    /// The same step with hashes in place of the values that stand for those of tasks; `hash_of` knows the tasks by name.
    #[must_use]
    pub fn with_task_hashes(&self, hash_of: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { args: with_task_hashes(&self.args, hash_of), ..self.clone() }
    }

    /// The data of the transaction, where `address_of` knows the names of addresses; `None` where there can be none, which loading
    /// reports.
    pub fn data(&self, address_of: &dyn Fn(&str) -> Option<Address>) -> Option<Vec<u8>> {
        Function::parse(&self.function).ok()?.call(&self.args, address_of).ok()
    }

    fn transaction(&self) -> ContractCall {
        ContractCall { function: self.function.clone(), args: self.args.clone(), from: self.from.clone() }
    }
}

impl StepDefinition for SendTransaction {
    const PROPERTIES: StepProperties = StepProperties { reports_timeout: false, ..StepProperties::EXPECTATION };

    fn within(&self) -> Duration {
        self.within
    }

    fn tasks_in_values(&self, at: &Pointer) -> Vec<(&str, Pointer)> {
        tasks_in(&self.args, &at.key("args"))
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        // Contracts and operators that could not be read may be what is meant.
        let Some(names) = check.names.clone() else { return };
        names.check_call(&self.with_task_hashes(&any_hash).transaction(), at, check.problems);
        check.contract(&self.to, &at.key("to"));
        if let Some(error) = &self.reverts_with {
            check.error(error, &at.key("reverts_with"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::Loader;

    fn problems(send: &str) -> Vec<String> {
        let text = format!("name: sends\ndescription: A test's own.\nsteps:\n  - send_transaction: {{{send}}}\n");
        match Loader::new().unwrap().parse(Path::new("sends.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    #[rstest]
    #[case::name(r#"to: task_mailbox, function: "createTask()", reverts_with: PayloadIsEmpty"#)]
    #[case::account(r#"to: fee_token, function: "mint(address,uint256)", args: [operator/operator, "1"], from: avs"#)]
    fn valid_transactions_load(#[case] send: &str) {
        assert_eq!(problems(send), [""; 0]);
    }

    #[rstest]
    #[case::contract(
        r#"to: fee_tokn, function: "a()""#,
        "no contract is called `fee_tokn`",
        "did you mean `fee_token`?"
    )]
    #[case::function("to: fee_token, function: mint", "`mint` is not the signature", "initialize(address,uint96)")]
    #[case::argument(
        r#"to: fee_token, function: "mint(address)", args: [nobody]"#,
        "`nobody` is not a value of the type `address`",
        "the name of an account"
    )]
    #[case::account(r#"to: fee_token, function: "a()", from: alice"#, "no account is called `alice`", "accounts")]
    #[case::error(
        r#"to: fee_token, function: "a()", reverts_with: PayloadIsEmty"#,
        "no contract has an error called `PayloadIsEmty`",
        "did you mean `PayloadIsEmpty`?"
    )]
    fn invalid_transactions_do_not_load(#[case] send: &str, #[case] message: &str, #[case] remedy: &str) {
        let problems = problems(send);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
    }
}
