use std::{fs, path::Path};

use rstest::rstest;

use crate::{Loader, ScenarioFile};

const TOKEN: &str = r#"{"abi": [
    {"type": "constructor", "inputs": [{"name": "owner", "type": "address"}, {"name": "supply", "type": "uint256"}]},
    {"type": "error", "name": "TooPoor", "inputs": []}
], "bytecode": {"object": "0x6001"}}"#;

/// A contract without a constructor, to be initialised behind a proxy.
const STORE: &str = r#"{"abi": [
    {"type": "function", "name": "initialize", "inputs": [{"name": "owner", "type": "address"}], "outputs": [], "stateMutability": "nonpayable"}
], "bytecode": {"object": "0x6001"}}"#;

/// What a registrar must have.
const REGISTRAR: &str = r#"{"abi": [
    {"type": "function", "name": "supportsAVS", "inputs": [{"name": "avs", "type": "address"}], "outputs": [{"name": "", "type": "bool"}], "stateMutability": "view"},
    {"type": "function", "name": "registerOperator", "inputs": [{"name": "operator", "type": "address"}, {"name": "avs", "type": "address"}, {"name": "ids", "type": "uint32[]"}, {"name": "data", "type": "bytes"}], "outputs": [], "stateMutability": "nonpayable"},
    {"type": "function", "name": "getAvsConfig", "inputs": [], "outputs": [{"name": "", "type": "tuple", "components": [{"name": "aggregator", "type": "uint32"}, {"name": "executors", "type": "uint32[]"}]}], "stateMutability": "view"},
    {"type": "function", "name": "getOperatorSocket", "inputs": [{"name": "operator", "type": "address"}], "outputs": [{"name": "", "type": "string"}], "stateMutability": "view"}
], "bytecode": {"object": "0x6001"}}"#;

fn load(keys: &str, step: &str) -> Result<ScenarioFile, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/Token.json"), TOKEN).unwrap();
    fs::write(folder.path().join("out/Store.json"), STORE).unwrap();
    fs::write(folder.path().join("out/Registrar.json"), REGISTRAR).unwrap();
    fs::write(folder.path().join("out/IToken.json"), r#"{"abi": [], "bytecode": {"object": "0x"}}"#).unwrap();
    let unlinked = format!(r#"{{"abi": [], "bytecode": {{"object": "0x6001__${}$__"}}}}"#, "5".repeat(34));
    fs::write(folder.path().join("out/Unlinked.json"), unlinked).unwrap();
    let path = folder.path().join("tokens.yaml");
    let text = format!("name: tokens\ndescription: A test's own.\ncontracts:\n{keys}\nsteps:\n  - {step}\n");
    Loader::new()
        .unwrap()
        .parse(Path::new(&path), text)
        .map_err(|error| error.reports().iter().map(hourglass_component::document::Report::one_line).collect())
}

const REJECTED: &str = "expect_rejected: {payload: x, error: TooPoor}";

#[test]
fn contracts_are_deployed_after_those_that_they_name() {
    let keys = r#"
  alpha: {artifact: out/Token.json, args: [beta, "7"], from: operator/operator}
  beta: {artifact: out/Token.json, args: [gamma, "0x10"], chain: l1}
  gamma: {artifact: out/Token.json, args: [task_mailbox, "1"], role: task_hook, calls: [{function: "mint(address)", args: [alpha], from: avs}]}"#;
    let file = load(keys, REJECTED).unwrap();
    let contracts = &file.variants[0].scenario.contracts;
    let names: Vec<_> = contracts.iter().map(|contract| contract.name.as_str()).collect();
    assert_eq!(names, ["gamma", "beta", "alpha"], "calls come after all of them");
    assert!(contracts[0].contract.artifact.ends_with("out/Token.json"));
    assert_eq!(contracts[0].compiled.constructor(), "(address,uint256)");
}

/// What initialises a proxy must be there before it, and its admin is a contract with a name.
#[test]
fn a_proxy_comes_after_what_its_initializer_names() {
    let keys = r#"
  alpha: {artifact: out/Store.json, proxy: transparent, proxy_admin: avs, initialize: {function: "initialize(address)", args: [beta_proxy_admin]}}
  beta: {artifact: out/Store.json, proxy: transparent, initialize: {function: "initialize(address)", args: [gamma]}}
  gamma: {artifact: out/Token.json, args: [avs, "1"]}"#;
    let step = r#"send_transaction: {to: alpha_proxy_admin, function: "upgrade(address,address)", args: [alpha, beta], from: avs}"#;
    let file = load(keys, step).unwrap();
    let contracts = &file.variants[0].scenario.contracts;
    let names: Vec<_> = contracts.iter().map(|contract| contract.name.as_str()).collect();
    assert_eq!(names, ["gamma", "beta", "alpha"]);
}

#[test]
fn a_registrar_is_a_role_on_l1() {
    let registrar = "  registrar: {artifact: out/Registrar.json, chain: l1, role: avs_registrar}";
    let file =
        load(registrar, r#"call: {chain: l1, to: registrar, function: "owner() returns (address)", expect: [avs]}"#)
            .unwrap();
    let role = file.variants[0].scenario.contracts[0].contract.role;
    assert_eq!(role, Some(crate::ContractRole::AvsRegistrar));
}

/// A mistake in a contract is reported at its position before anything is started.
#[rstest]
#[case::name(
    "  Token: {artifact: out/Token.json, args: [avs, \"1\"]}",
    "`Token` cannot be the name of a contract",
    "lowercase letters"
)]
#[case::name_of_ours(
    "  task_mailbox: {artifact: out/Token.json, args: [avs, \"1\"]}",
    "`task_mailbox` is the name of something of the harness",
    "another name"
)]
#[case::name_of_a_variable(
    "  grpc_port: {artifact: out/Token.json, args: [avs, \"1\"]}",
    "`grpc_port` cannot be the name of a contract: performers get its address as GRPC_PORT",
    "is set by the executor"
)]
#[case::missing("  token: {artifact: out/Tokn.json}", "out/Tokn.json: No such file", "`forge build`")]
#[case::interface("  token: {artifact: out/IToken.json}", "out/IToken.json: it has no code", "`forge build`")]
#[case::count(
    "  token: {artifact: out/Token.json}",
    "`args` does not fit the constructor (address,uint256)",
    "one text for each"
)]
#[case::value(
    "  token: {artifact: out/Token.json, args: [avs, many]}",
    "`many` is not a value of the type `uint256`",
    "in decimal"
)]
#[case::address(
    "  token: {artifact: out/Token.json, args: [tokn, \"1\"]}",
    "`tokn` is not a value of the type `address`",
    "of a contract of this file (token)"
)]
#[case::account(
    "  token: {artifact: out/Token.json, args: [avs, \"1\"], from: deployr}",
    "no account is called `deployr`",
    "did you mean `deployer`?"
)]
#[case::function(
    "  token: {artifact: out/Token.json, args: [avs, \"1\"], calls: [{function: mint}]}",
    "`mint` is not the signature of a function",
    "initialize(address,uint96)"
)]
#[case::call(
    "  token: {artifact: out/Token.json, args: [avs, \"1\"], calls: [{function: \"mint(uint8)\", args: [\"256\"]}]}",
    "`256` is not a value of the type `uint8`",
    "in decimal"
)]
#[case::circle(
    "  token: {artifact: out/Token.json, args: [token, \"1\"]}",
    "`token` needs the address of a contract that needs its own",
    "with `calls`"
)]
#[case::roles(
    "  one: {artifact: out/Token.json, args: [avs, \"1\"], role: task_hook}\n  two: {artifact: out/Token.json, args: [avs, \"1\"], role: task_hook}",
    "`one` and `two` are both the task hook of l2",
    "keep one"
)]
#[case::no_initializer(
    "  store: {artifact: out/Store.json, proxy: transparent}",
    "the proxy of `store` has no `initialize`",
    "with the function of this contract"
)]
#[case::no_proxy(
    "  store: {artifact: out/Store.json, initialize: {function: \"initialize(address)\", args: [avs]}}",
    "`initialize` is given for a contract without a proxy",
    "`proxy: transparent`"
)]
#[case::no_proxy_to_own(
    "  store: {artifact: out/Store.json, proxy_admin: avs}",
    "`proxy_admin` is given for a contract without a proxy",
    "`proxy: transparent`"
)]
#[case::no_such_initializer(
    "  store: {artifact: out/Store.json, proxy: transparent, initialize: {function: \"init(address)\", args: [avs]}}",
    "the contract has no function `init(address)`",
    "as in the contract"
)]
#[case::initializer_without_values(
    "  store: {artifact: out/Store.json, proxy: transparent, initialize: {function: \"initialize(address)\"}}",
    "`args` does not fit `initialize(address)`",
    "one text for each"
)]
#[case::no_such_owner(
    "  store: {artifact: out/Store.json, proxy: transparent, proxy_admin: nobody, initialize: {function: \"initialize(address)\", args: [avs]}}",
    "no account is called `nobody`",
    "deployer"
)]
#[case::name_of_an_admin(
    "  store: {artifact: out/Store.json, proxy: transparent, initialize: {function: \"initialize(address)\", args: [avs]}}\n  store_proxy_admin: {artifact: out/Store.json}",
    "`store_proxy_admin` is the name of the admin of a proxy and of another contract",
    "rename one"
)]
#[case::initialized_with_itself(
    "  store: {artifact: out/Store.json, proxy: transparent, initialize: {function: \"initialize(address)\", args: [store]}}",
    "`store` needs the address of a contract that needs its own",
    "with `calls`"
)]
#[case::unlinked("  library: {artifact: out/Unlinked.json}", "a library that is not linked (__$", "`forge build`")]
#[case::registrar_on_l2(
    "  registrar: {artifact: out/Registrar.json, role: avs_registrar}",
    "the AVS registrar `registrar` is deployed on l2",
    "add `chain: l1`"
)]
#[case::no_registrar(
    "  registrar: {artifact: out/Store.json, chain: l1, role: avs_registrar}",
    "`registrar` cannot be the AVS registrar: it has no supportsAVS(address), no registerOperator(",
    "TaskAVSRegistrarBase"
)]
#[case::registrars(
    "  one: {artifact: out/Registrar.json, chain: l1, role: avs_registrar}\n  two: {artifact: out/Registrar.json, chain: l1, role: avs_registrar}",
    "`one` and `two` are both the AVS registrar of l1",
    "keep one"
)]
fn invalid_contracts_do_not_load(#[case] keys: &str, #[case] message: &str, #[case] remedy: &str) {
    let problems = load(keys, REJECTED).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
}

/// Steps know the contracts and their errors.
#[rstest]
#[case(r#"call: {to: token, function: "supply() returns (uint256)", expect: ["1"]}"#, None)]
#[case(r#"call: {to: tokn, function: "supply() returns (uint256)", expect: ["1"]}"#, Some("did you mean `token`?"))]
#[case(REJECTED, None)]
#[case("expect_rejected: {payload: x, error: TooPor}", Some("did you mean `TooPoor`?"))]
fn steps_mean_contracts_by_name(#[case] step: &str, #[case] problem: Option<&str>) {
    let loaded = load("  token: {artifact: out/Token.json, args: [avs, \"1\"]}", step);
    match problem {
        None => drop(loaded.unwrap()),
        Some(problem) => {
            let problems = loaded.unwrap_err();
            assert!(problems.len() == 1 && problems[0].contains(problem), "{problems:?}");
        }
    }
}
