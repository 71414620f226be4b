//! What the tasks of the first AVS cost.

use hourglass_component::{
    document::{Pointer, Problem, Problems},
    keys::Address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contracts::Names;
use super::model::ScenarioDocument;

/// How tasks are paid. What one costs, its hook says: that of the harness asks what `setFee(uint96)` of `avs_task_hook` was told,
/// at first nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// The ERC-20 token of the fees: the name of a contract or its address. Anybody may mint `fee_token` of the harness. A contract
    /// of this file is the token on its own chain, and on the other one tasks cost nothing.
    #[schemars(title = "contract", regex(pattern = "^([a-z][a-z0-9_]*|0x[0-9a-fA-F]{40})$"), extend("examples" = ["fee_token"]))]
    pub token: String,
    /// The account that gets the fees of verified tasks, but for the part of the mailbox's fee split: its name or an address.
    #[serde(default = "avs")]
    #[schemars(length(min = 1))]
    pub collector: String,
}

fn avs() -> String {
    "avs".to_owned()
}

/// Adds the problems of the fees of `document`, whose topology is at `at`.
pub(super) fn check(document: &ScenarioDocument, at: &Pointer, problems: &mut Problems) {
    let Some(Fees { token, collector }) = &document.topology.fees else { return };
    let at = at.key("fees");
    // Contracts and operators that could not be read may be what is meant.
    if ["/contracts", "/deploy_scripts", "/topology/operators", "/topology/avss"]
        .iter()
        .any(|at| problems.touch(&Pointer::from(*at)))
    {
        return;
    }
    let names = Names::of(document);
    if !is_address(token) && !names.contracts().any(|contract| contract == token) {
        let problem =
            Problem::at_value(&at.key("token"), format!("no contract is called `{token}`")).label("meant here");
        problems.add(problem.did_you_mean(token, "contracts", names.contracts()));
    }
    if !is_address(collector) {
        names.check_account(collector, &at.key("collector"), problems);
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("0x") && text.parse::<Address>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::Loader;

    fn problems(topology: &str, steps: &str) -> Vec<String> {
        let text = format!(
            "name: fees\ndescription: A test's own.\ntopology: {topology}\nsteps: [{steps}, {{expect_verified: {{}}}}]\n"
        );
        match Loader::new().unwrap().parse(Path::new("fees.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    const TASK: &str = r#"{create_task: {payload: "1"}}"#;

    #[rstest]
    #[case::name("{fees: {token: fee_token}}")]
    #[case::account("{fees: {token: fee_token, collector: operator/operator}}")]
    #[case::addresses(
        r#"{fees: {token: "0x00000000000000000000000000000000000000aa", collector: "0x00000000000000000000000000000000000000bb"}}"#
    )]
    fn tokens_and_collectors_are_names_or_addresses(#[case] topology: &str) {
        assert_eq!(problems(topology, TASK), [""; 0]);
    }

    #[rstest]
    #[case::token("{fees: {token: fee_tokn}}", "no contract is called `fee_tokn`", "did you mean `fee_token`?")]
    #[case::no_token("{fees: {collector: avs}}", "token", "")]
    #[case::collector("{fees: {token: fee_token, collector: alice}}", "no account is called `alice`", "deployer")]
    #[case::account_as_token("{fees: {token: app}}", "no contract is called `app`", "fee_token")]
    fn mistakes_of_fees_are_found_before_a_run(#[case] topology: &str, #[case] message: &str, #[case] remedy: &str) {
        let problems = problems(topology, TASK);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
    }

    const REFUND: &str = r#"{send_transaction: {to: task_mailbox, function: "refundFee(bytes32)", args: [task/TASK]}}"#;

    #[rstest]
    #[case::one(TASK, "task", "")]
    #[case::another(TASK, "tsk", "no earlier step creates a task called `tsk`")]
    #[case::group(
        r#"{create_task: {payload: "1", count: 2}}"#,
        "task",
        "`task` is a group of tasks, which has no hash"
    )]
    fn values_stand_for_the_hash_of_an_earlier_task(#[case] create: &str, #[case] task: &str, #[case] message: &str) {
        let problems = problems("{}", &format!("{create}, {}", REFUND.replace("TASK", task)));
        if message.is_empty() {
            assert_eq!(problems, [""; 0]);
        } else {
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(message), "{problems:?}");
        }
    }
}
