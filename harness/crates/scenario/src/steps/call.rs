//! `call`.

use std::fmt;

use hourglass_component::{
    chain::{SignatureError, ViewFunction, ViewValueError, ViewValues},
    document::{Duration, Pointer, Problem},
    keys::Address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::default_within;
use super::definition::{StepDefinition, StepProperties};
use crate::contracts::{Names, any_hash, tasks_in, with_task_hashes};
use crate::values::Chain;

/// Calls a view function of a contract once, and compares what it returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The chain on which the contract stands.
    #[serde(default)]
    pub chain: Chain,
    /// The contract: the name of one of the environment's or of `contracts`, or an address.
    #[schemars(title = "contract", regex(pattern = "^([a-z][a-z0-9_]*|0x[0-9a-fA-F]{40})$"), extend("examples" = ["task_mailbox", "0x00000000000000000000000000000000000000aa"]))]
    pub to: String,
    /// The function's signature with the types of its results, such as `getTaskStatus(bytes32) returns (uint8)`.
    pub function: String,
    /// The arguments as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and tuples as JSON arrays
    /// of texts. An address may be the name of a contract or of an account; `task/NAME` is the hash of a task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// What it must return, in the same form.
    #[schemars(length(min = 1))]
    pub expect: Vec<String>,
    /// How long the answer may take.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// A call with all parts parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewCall {
    /// The address of the contract.
    pub to: Address,
    /// The function.
    pub function: ViewFunction,
    /// Its arguments.
    pub args: ViewValues,
    /// What it must return.
    pub expect: ViewValues,
}

/// Why a call cannot be made. Loading detects it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No contract has the name.
    #[error("no contract is called `{0}`")]
    Contract(String),
    /// The signature is invalid.
    #[error("`{signature}` is not the signature of a view function")]
    Signature {
        /// The text in the file.
        signature: String,
        /// What is wrong with it.
        source: SignatureError,
    },
    /// Arguments or expected results do not have the types of the signature.
    #[error("`{list}` does not fit `{function}`: {source}")]
    Values {
        /// The key of the list.
        list: ValueList,
        /// The function.
        function: String,
        /// What is wrong with them.
        source: ViewValueError,
    },
}

/// One of the two lists of values of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueList {
    /// The arguments.
    Args,
    /// The expected results.
    Expect,
}

impl fmt::Display for ValueList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Args => "args",
            Self::Expect => "expect",
        })
    }
}

impl Call {
    /// The same call with hashes in place of the values that stand for those of tasks; `hash_of` knows the tasks by name.
    #[must_use]
    pub fn with_task_hashes(&self, hash_of: &dyn Fn(&str) -> Option<String>) -> Self {
        let (args, expect) = (with_task_hashes(&self.args, hash_of), with_task_hashes(&self.expect, hash_of));
        Self { args, expect, ..self.clone() }
    }

    /// The call with all parts parsed. `contract_of` knows the contracts by name, and `address_of` the names of all addresses.
    pub fn read(
        &self,
        contract_of: &dyn Fn(&str) -> Option<Address>,
        address_of: &dyn Fn(&str) -> Option<Address>,
    ) -> Result<ViewCall, CallError> {
        let to = contract_of(&self.to).or_else(|| self.to.parse().ok().filter(|_| self.to.starts_with("0x")));
        let to = to.ok_or_else(|| CallError::Contract(self.to.clone()))?;
        let function = ViewFunction::parse(&self.function)
            .map_err(|source| CallError::Signature { signature: self.function.clone(), source })?;
        let misfit = |list| {
            let function = self.function.clone();
            move |source| CallError::Values { list, function, source }
        };
        let args = function.arguments(&self.args, address_of).map_err(misfit(ValueList::Args))?;
        let expect = function.results(&self.expect, address_of).map_err(misfit(ValueList::Expect))?;
        Ok(ViewCall { to, function, args, expect })
    }
}

impl StepDefinition for Call {
    // The chain answers at once: a call does not wait for a result.
    const PROPERTIES: StepProperties = StepProperties { reports_timeout: false, ..StepProperties::EXPECTATION };

    fn within(&self) -> Duration {
        self.within
    }

    fn tasks_in_values(&self, at: &Pointer) -> Vec<(&str, Pointer)> {
        let expected = tasks_in(&self.expect, &at.key("expect"));
        tasks_in(&self.args, &at.key("args")).into_iter().chain(expected).collect()
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        // Which address a contract has is known only on a chain. If contracts could not be read, any name may be one of theirs.
        let names = check.names.as_ref();
        let known = |name: &str| names.is_none_or(|names| names.contracts().any(|contract| contract == name));
        let contract_of = |name: &str| known(name).then(Address::zero);
        let address_of = |name: &str| names.map_or_else(|| Some(Address::zero()), |names| names.address_of(name));
        let Err(error) = self.with_task_hashes(&any_hash).read(&contract_of, &address_of) else { return };
        let problem = match &error {
            CallError::Contract(name) => Problem::at_value(&at.key("to"), error.to_string())
                .label("called here")
                .did_you_mean(name, "contracts", names.into_iter().flat_map(Names::contracts)),
            CallError::Signature { source, .. } => Problem::at_value(&at.key("function"), error.to_string())
                .label(source.to_string())
                .help("write it with the types of its results, such as `version() returns (string)`"),
            CallError::Values { list, source, .. } => {
                let (list, of) = (list.to_string(), format!("the signature `{}`", self.function));
                names.cloned().unwrap_or_default().misfit(&list, source, &of, &at.key(&list))
            }
        };
        check.problems.add(problem);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::Loader;

    fn problems(call: &str) -> Vec<String> {
        let text = format!("name: calls\ndescription: A test's own.\nsteps:\n  - call: {{{call}}}\n");
        match Loader::new().unwrap().parse(Path::new("calls.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    /// A call is an expectation: it can be the only one.
    #[rstest]
    #[case::name(r#"to: task_mailbox, function: "version() returns (string)", expect: ["1"]"#)]
    #[case::address(
        r#"to: "0x00000000000000000000000000000000000000aa", function: "a(uint8) returns (bool)", args: ["1"], expect: ["true"]"#
    )]
    #[case::words(r#"to: task_mailbox, function: "function feeSplit() view returns (uint16 fee)", expect: ["0"]"#)]
    #[case::names(
        r#"to: fee_token, function: "allowance(address,address) returns (uint256)", args: [app, task_mailbox], expect: ["0"]"#
    )]
    #[case::expected_name(r#"to: task_mailbox, function: "owner() returns (address)", expect: [deployer]"#)]
    fn valid_calls_load(#[case] call: &str) {
        assert_eq!(problems(call), [""; 0]);
    }

    /// A mistake in a call is reported at its position before anything is started.
    #[rstest]
    #[case::contract(
        r#"to: task_malbox, function: "version() returns (string)", expect: ["1"]"#,
        "no contract is called `task_malbox`",
        "did you mean `task_mailbox`?"
    )]
    #[case::account_as_contract(
        r#"to: app, function: "version() returns (string)", expect: ["1"]"#,
        "no contract is called `app`",
        "task_mailbox"
    )]
    #[case::unknown_name(
        r#"to: fee_token, function: "balanceOf(address) returns (uint256)", args: [alice], expect: ["1"]"#,
        "`alice` is not a value of the type `address`",
        "the name of an account"
    )]
    #[case::no_results(
        r#"to: task_mailbox, function: "version()", expect: ["1"]"#,
        "`version()` is not the signature of a view function",
        "`version() returns (string)`"
    )]
    #[case::unknown_type(
        r#"to: task_mailbox, function: "version() returns (text)", expect: ["1"]"#,
        "`version() returns (text)` is not the signature",
        "`text`"
    )]
    #[case::hostile(
        r#"to: task_mailbox, function: "version() returns (uint8[99999999999999999999999])", expect: ["1"]"#,
        "is not the signature of a view function",
        "more than 999"
    )]
    #[case::no_argument(
        r#"to: task_mailbox, function: "getTaskStatus(bytes32) returns (uint8)", expect: ["1"]"#,
        "`args` does not fit the signature",
        "0 given, and the signature has 1"
    )]
    #[case::argument(
        r#"to: task_mailbox, function: "getTaskStatus(bytes32) returns (uint8)", args: ["0x01"], expect: ["1"]"#,
        "`0x01` is not a value of the type `bytes32`",
        "as `0x…`"
    )]
    #[case::result(
        r#"to: task_mailbox, function: "feeSplit() returns (uint16)", expect: ["none"]"#,
        "`none` is not a value of the type `uint16`",
        "in decimal"
    )]
    #[case::number(
        r#"to: task_mailbox, function: "feeSplit() returns (uint16)", expect: [0]"#,
        "expected text",
        "put the value in quotes"
    )]
    #[case::no_expectation(
        r#"to: task_mailbox, function: "feeSplit() returns (uint16)""#,
        "`expect` is missing",
        "expect"
    )]
    fn invalid_calls_do_not_load(#[case] call: &str, #[case] message: &str, #[case] remedy: &str) {
        let problems = problems(call);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
    }
}
