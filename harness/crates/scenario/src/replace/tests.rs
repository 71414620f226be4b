use std::fs;

use rstest::rstest;

use super::ContractFile;
use crate::{Loader, ScenarioFile};

/// The constructor of the public mailbox.
const MAILBOX: &str = r#"{"abi": [
    {"type": "constructor", "inputs": [{"name": "a", "type": "address"}, {"name": "b", "type": "address"}, {"name": "c", "type": "uint96"}, {"name": "d", "type": "string"}]},
    {"type": "error", "name": "NotToday", "inputs": []}
], "bytecode": {"object": "0x6001"}}"#;
const HOOK: &str = r#"{"abi": [{"type": "constructor", "inputs": [{"name": "limit", "type": "uint256"}]}], "bytecode": {"object": "0x6002"}}"#;

fn load_with(keys: &str, step: &str, contracts: &[&str]) -> Result<ScenarioFile, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/TaskMailbox.json"), MAILBOX).unwrap();
    fs::write(folder.path().join("out/Hook.json"), HOOK).unwrap();
    fs::write(folder.path().join("out/IHook.json"), r#"{"abi": [], "bytecode": {"object": "0x"}}"#).unwrap();
    let given = |text: &&str| -> ContractFile {
        let mut given: ContractFile = text.parse().unwrap();
        given.file = folder.path().join(given.file);
        given
    };
    let text = format!("name: own\ndescription: A test's own.\n{keys}steps:\n  - {step}\n");
    let mut loader = Loader::new().unwrap().with_contracts(contracts.iter().map(given).collect());
    loader
        .parse(&folder.path().join("own.yaml"), text)
        .map_err(|error| error.reports().iter().map(hourglass_component::document::Report::one_line).collect())
}

fn load(keys: &str) -> Result<ScenarioFile, Vec<String>> {
    load_with(keys, STEP, &[])
}

const STEP: &str = "expect_rejected: {payload: x, error: PayloadIsEmpty}";

/// The public contracts need nothing but their artefact, and errors of a contract in place of another are known.
#[test]
fn a_public_contract_has_the_arguments_of_the_deployment() {
    let keys = "replace:\n  task_mailbox: {artifact: out/TaskMailbox.json}\n";
    let file = load_with(keys, "expect_rejected: {payload: x, error: NotToday}", &[]).unwrap();
    let replacements = &file.variants[0].scenario.replacements;
    let [mailbox] = replacements.as_slice() else { panic!("{replacements:?}") };
    let args = mailbox.replacement.args.as_deref().unwrap();
    assert_eq!(args, ["bn254_certificate_verifier", "ecdsa_certificate_verifier", "604800", "1.8.1"]);
    assert_eq!((mailbox.name.as_str(), mailbox.compiled.code()), ("task_mailbox", &[0x60, 1][..]));
}

/// The option names an artefact; what the file says besides stays.
#[test]
fn a_file_of_the_command_line_takes_the_place_of_the_artefact() {
    let keys = r#"replace: {avs_task_hook: {artifact: out/IHook.json, args: ["7"], from: avs}}"#;
    let file =
        load_with(&format!("{keys}\n"), STEP, &["avs_task_hook=out/Hook.json", "task_mailbox=out/TaskMailbox.json"]);
    let file = file.unwrap();
    let [hook, mailbox] = file.variants[0].scenario.replacements.as_slice() else { panic!("{file:?}") };
    assert_eq!((hook.replacement.from.as_str(), hook.compiled.code()), ("avs", &[0x60, 2][..]));
    assert_eq!(hook.replacement.args.as_deref(), Some(&["7".to_owned()][..]));
    assert_eq!(mailbox.name, "task_mailbox");
}

#[rstest]
#[case::name("no_such: {artifact: out/Hook.json}", "no contract of the harness is called `no_such`", "task_mailbox")]
#[case::misspelt("task_mailbx: {artifact: out/Hook.json}", "called `task_mailbx`", "did you mean `task_mailbox`?")]
#[case::missing("task_mailbox: {artifact: out/Nothing.json}", "out/Nothing.json: No such file", "`forge build`")]
#[case::no_code("avs_task_hook: {artifact: out/IHook.json}", "out/IHook.json: it has no code", "`forge build`")]
#[case::no_defaults(
    "avs_task_hook: {artifact: out/Hook.json}",
    "the constructor (uint256) of the contract for `avs_task_hook` needs `args`",
    "in the project file"
)]
#[case::other_constructor(
    "task_mailbox: {artifact: out/Hook.json}",
    "the constructor (uint256) of the contract for `task_mailbox` needs `args`",
    "in the project file"
)]
#[case::value(
    "avs_task_hook: {artifact: out/Hook.json, args: [many]}",
    "`many` is not a value of the type `uint256`",
    "in decimal"
)]
#[case::account(
    "avs_task_hook: {artifact: out/Hook.json, args: [\"7\"], from: nobody}",
    "no account is called `nobody`",
    "deployer"
)]
#[case::call(
    "avs_task_hook: {artifact: out/Hook.json, args: [\"7\"], calls: [{function: setLimit}]}",
    "`setLimit` is not the signature of a function",
    "initialize(address,uint96)"
)]
fn invalid_replacements_do_not_load(#[case] keys: &str, #[case] message: &str, #[case] remedy: &str) {
    let problems = load(&format!("replace:\n  {keys}\n")).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
}

/// The constructor runs before contracts of `contracts` are there.
#[test]
fn a_replacement_cannot_name_contracts_that_come_later() {
    let keys = r#"
contracts: {other: {artifact: out/Hook.json, args: ["1"]}}
replace: {task_mailbox: {artifact: out/TaskMailbox.json, args: [other, other, "1", "1"]}}
"#;
    let problems = load(keys).unwrap_err();
    assert!(
        problems.len() == 1 && problems[0].contains("`other` is not a value of the type `address`"),
        "{problems:?}"
    );
}

#[rstest]
#[case("mailbox=a.json", "no contract of the harness is called `mailbox`; there are task_mailbox, ")]
#[case("task_mailbox", "a name, `=` and a file are expected")]
#[case("task_mailbox=", "a name, `=` and a file are expected")]
fn an_option_that_names_no_contract_and_file_is_refused(#[case] text: &str, #[case] expected: &str) {
    let error = text.parse::<ContractFile>().unwrap_err();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_contract_of_the_command_line_is_given_once() {
    let files =
        ["task_mailbox=a.json", "key_registrar=a.json", "task_mailbox=b.json"].map(|text| text.parse().unwrap());
    ContractFile::check_once(&files[..2]).unwrap();
    let error = ContractFile::check_once(&files).unwrap_err();
    assert_eq!(error.to_string(), "failed to replace `task_mailbox`: --contract gives it two files");
    assert_eq!(files[0].to_string(), "task_mailbox=a.json");
}
