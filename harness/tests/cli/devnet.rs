//! `harness devnet` and `harness task`: an environment that stays up for people, and tasks in it.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hourglass_test_support::{LIMIT, Running, Sandbox, eventually, run};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{HARNESS, json_rpc::ask, schemas::assert_agrees};

/// A devnet in the foreground, once it is ready, with what it says about itself.
fn started(sandbox: &Sandbox, words: &[&str]) -> (Running, Value) {
    let known = devnets(sandbox).len();
    let running = Running::start(&mut sandbox.harness(&[&["devnet"], words].concat()));
    let ready = eventually(LIMIT, || {
        let devnets = devnets(sandbox);
        devnets.last().filter(|_| devnets.len() > known).cloned().ok_or("no devnet is ready")
    });
    (running, ready.unwrap())
}

/// The documents of all devnets of the sandbox, the newest last.
fn devnets(sandbox: &Sandbox) -> Vec<Value> {
    let mut folders = sandbox.run_folders();
    folders.sort();
    let texts = folders.iter().filter_map(|folder| fs::read_to_string(folder.join("devnet.json")).ok());
    texts.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

/// Facts are right if what they name is there: chains with these ids, contracts with code, accounts with funds, ports.
fn assert_facts(devnet: &Value) {
    assert_agrees("devnet", &devnet.to_string());
    for (chain, id) in [("l1", 31_337), ("l2", 31_338)] {
        let chain = &devnet["chains"][chain];
        let url = text(chain, "/rpc_url");
        assert_eq!((&chain["chain_id"], ask(url, "eth_chainId", &json!([]))), (&id.into(), format!("{id:#x}").into()));
        let contracts = chain["contracts"].as_object().unwrap();
        assert!(contracts.len() >= 6, "{contracts:#?}");
        for (key, contract) in contracts.iter().filter(|(key, _)| *key != "stake_strategy") {
            let code = ask(url, "eth_getCode", &json!([text(contract, "/address"), "latest"]));
            assert!(code.as_str().is_some_and(|code| code.len() > 10), "{key} has no code: {code}");
        }
        let operators = devnet["operators"].as_array().unwrap().iter();
        for account in devnet["accounts"].as_object().unwrap().values().chain(operators) {
            let balance = ask(url, "eth_getBalance", &json!([text(account, "/address"), "latest"]));
            assert!(balance.as_str().is_some_and(|balance| balance.len() > 12), "{account} has {balance}");
        }
    }
    TcpStream::connect(text(devnet, "/aggregator")).unwrap();
    for operator in devnet["operators"].as_array().unwrap() {
        TcpStream::connect(text(operator, "/executor")).unwrap();
        TcpStream::connect(text(operator, "/performer")).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[rstest::rstest]
#[case::ctrl_c(Signal::INT)]
#[case::sigterm(Signal::TERM)]
fn a_devnet_stays_until_a_signal_and_leaves_nothing(#[case] signal: Signal) {
    let sandbox = Sandbox::new(HARNESS);
    let variables = sandbox.file("mine.env", &format!("# The devnet of before.\n{}", "OLD=1\n".repeat(500)));
    let (running, devnet) = started(&sandbox, &["--env-file", variables.to_str().unwrap()]);
    assert_facts(&devnet);
    let folder = PathBuf::from(text(&devnet, "/folder"));
    let files = ["devnet.json", "devnet.env"].map(|name| folder.join(name));
    for path in files.iter().chain([&variables]) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(fs::read(&files[1]).unwrap(), fs::read(&variables).unwrap());

    let task = sandbox.run(&["task", "call", "0x04", "--format", "json"]);
    task.assert_code(0);
    assert_agrees("task", &task.stdout);
    let task: Value = serde_json::from_str(&task.stdout).unwrap();
    assert_eq!((text(&task, "/result/text"), text(&task, "/status")), ("0x10", "verified"));
    assert_eq!(task["signers"][0]["operator"], "operator", "{task:#}");
    assert_eq!(task["creator"], devnet["accounts"]["app"]["address"]);

    let listed = sandbox.run(&["runs", "list"]);
    let run = text(&devnet, "/run");
    listed.assert_code(0).assert_shows(&[run, "running", "process::devnet", "devnet", " began ", "harness devnet"]);
    for words in [&["gc", "--dry-run"][..], &["gc", run], &["down", run]] {
        let left = sandbox.run(words);
        assert!(left.stdout.contains("under way, left alone"), "{left:?}");
    }
    running.signal_group(signal);
    let outcome = running.finish();
    let url = text(&devnet, "/chains/l2/rpc_url");
    outcome.assert_code(0).assert_shows(&[run, url, "TaskMailbox", "executor/operator", "harness task call", "Ctrl-C"]);
    assert_eq!(outcome.stderr, "process::devnet: starting the environment\n");
    sandbox.assert_nothing_left();
}

#[test]
fn a_kept_devnet_stays_until_down() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["devnet", "--keep", "--format", "json"]);
    outcome.assert_code(0);
    let devnet: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_facts(&devnet);
    let run = text(&devnet, "/run");
    let running = sandbox.processes().len();
    sandbox.run(&["runs", "list"]).assert_code(0).assert_shows(&[run, "kept", "devnet", " began ", "owner       none"]);
    // A rehearsal decides as the real one does, which would end what other tests have left on this machine.
    sandbox
        .run(&["gc", "--dry-run"])
        .assert_code(0)
        .assert_shows(&[&format!("{run}: a devnet that was kept, left alone")]);
    assert_eq!(sandbox.processes().len(), running);

    let created =
        sandbox.run(&["task", "create", "30783035", "--payload-hex", "--chain", "l1", "--devnet", &run[..11]]);
    let task = created.assert_code(0).stdout.trim();
    assert!(task.len() == 66 && task.starts_with("0x"), "{created:?}");
    let shown = eventually(LIMIT, || {
        let shown = sandbox.run(&["task", "show", task]);
        if shown.stdout.contains("VERIFIED") { Ok(shown) } else { Err(shown.stdout) }
    });
    shown.unwrap().assert_code(0).assert_shows(&[
        task,
        "on l1",
        "creator",
        "deadline",
        "\"0x05\"",
        "\"0x19\"",
        "signed by   operator",
    ]);
    let elsewhere = sandbox.run(&["task", "show", task, "--chain", "l2"]);
    elsewhere.assert_code(2).assert_complains(&["there is no task", "on l2", "remedy"]);

    sandbox.run(&["down", run]).assert_code(0).assert_shows(&[run]);
    sandbox.assert_nothing_left();
    let none = sandbox.run(&["task", "call", "0x04"]);
    none.assert_code(2).assert_complains(&["there is no running devnet", "harness devnet"]);
}

/// A devnet that was to stay for a while is ended by `gc` after that.
#[test]
fn a_devnet_past_its_time_is_ended_by_gc() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["devnet", "--keep", "--keep-for", "1ms"]);
    outcome.assert_code(0).assert_shows(&["harness down", "`harness gc` may end it"]);
    let devnet = devnets(&sandbox).remove(0);
    let run = text(&devnet, "/run");
    let expired = |removing: &str| format!("{run}: {removing} folder {}: expired ", text(&devnet, "/folder"));
    sandbox.run(&["gc", "--dry-run"]).assert_code(0).assert_shows(&[&expired("would remove")]);
    sandbox.run(&["gc", run]).assert_code(0).assert_shows(&[&expired("removing")]);
    sandbox.assert_nothing_left();
}

#[test]
fn of_two_devnets_one_must_be_named() {
    let sandbox = Sandbox::new(HARNESS);
    let (first, one) = started(&sandbox, &[]);
    let scenario = sandbox.scenario(
        "three",
        "variables: {delay: 0}\ntopology: {threshold: 6600, operators: [{name: alice}, {name: bob, performer: {environment: {TASK_DELAY_MS: \"${delay}\"}}}, {name: carol}]}\n\
         steps: [{create_task: {payload: a}}, {expect_verified: {}}]\n",
    );
    let (second, other) = started(&sandbox, &[scenario.to_str().unwrap(), "--set", "delay=1"]);
    let names: Vec<_> = other["operators"].as_array().unwrap().iter().map(|operator| &operator["name"]).collect();
    assert_eq!(names, ["alice", "bob", "carol"]);
    let [one, other] = [&one, &other].map(|devnet| text(devnet, "/run"));
    let refused = sandbox.run(&["task", "call", "0x04"]);
    refused.assert_code(2).assert_complains(&["2 running devnets", one, other, "--devnet"]);
    let unknown = sandbox.run(&["task", "call", "0x04", "--devnet", "r0"]);
    unknown.assert_code(2).assert_complains(&["no running devnet r0", one, other]);
    for devnet in [one, other] {
        sandbox.run(&["task", "call", "0x04", "--devnet", devnet]).assert_code(0).assert_shows(&["\"0x10\""]);
    }
    first.signal(Signal::INT);
    first.finish().assert_code(0);
    sandbox.run(&["task", "call", "0x03"]).assert_code(0).assert_shows(&["\"0x09\"", "signed by"]);
    second.signal(Signal::INT);
    second.finish().assert_code(0);
    sandbox.assert_nothing_left();
}

/// Who works on a performer must see at once that it has ended, and may go on.
#[test]
fn a_component_that_ends_is_told_and_the_devnet_stays() {
    let sandbox = Sandbox::new(HARNESS);
    let (running, _) = started(&sandbox, &[]);
    sandbox.signal_process("component performer", Signal::KILL);
    sandbox.signal_process("component aggregator", Signal::KILL);
    let late = sandbox.run(&["task", "call", "0x04", "--within", "300ms"]);
    late.assert_code(1).assert_shows(&["CREATED"]).assert_complains(&["was not verified within 300ms"]);
    running.signal(Signal::INT);
    let outcome = running.finish();
    outcome.assert_code(0).assert_complains(&[
        "performer/operator ended with signal: 9",
        "aggregator ended with signal: 9",
        "the devnet stays up",
        "last output",
    ]);
    sandbox.assert_nothing_left();
}

/// Nothing works without a chain.
#[test]
fn a_devnet_whose_chain_ends_fails_and_leaves_no_key() {
    let sandbox = Sandbox::new(HARNESS);
    let (running, devnet) = started(&sandbox, &[]);
    sandbox.signal_process("--chain-id 31338", Signal::KILL);
    running.finish().assert_code(3).assert_complains(&["chain 31338 ended with signal: 9", "harness devnet"]);
    sandbox.assert_no_process();
    let folder = PathBuf::from(text(&devnet, "/folder"));
    assert!(folder.join("logs").is_dir(), "the evidence is gone");
    let left = ["devnet.json", "devnet.env"].map(|name| folder.join(name).exists());
    assert_eq!(left, [false; 2], "keys are left");
}

#[test]
fn a_devnet_that_is_killed_leaves_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let (running, _) = started(&sandbox, &[]);
    running.signal(Signal::KILL);
    drop(running);
    let left = eventually(LIMIT, || {
        let left = (sandbox.processes(), sandbox.run_folders());
        if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(left) }
    });
    assert_eq!(left, Ok(()));
}

/// A performer of the user's that does not start is the user's failure, with its output.
#[test]
fn a_devnet_that_does_not_start_says_why() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file(
        "harness.yaml",
        "scenarios: own\ncomponents: {performer: {command: [sh, -c, 'echo no abacus >&2; exit 7']}}\n",
    );
    let arguments = ["devnet", "--project", "harness.yaml"];
    let outcome = run(sandbox.harness(&arguments).env_remove("HARNESS_SCENARIOS"));
    outcome.assert_code(1).assert_complains(&["no abacus", "harness devnet --project harness.yaml\n"]);
    assert_eq!(outcome.stdout, "");
    sandbox.assert_no_process();
}

/// The project says which operators and performers there are, and the variables go where a project's tools read them.
#[test]
fn a_devnet_of_a_project_has_its_topology() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file("harness.yaml", "scenarios: own\ntopology: {operators: [{name: alice}, {name: bob}]}\n");
    let mut command = sandbox.harness(&["devnet", "--keep"]);
    let outcome = run(command.env_remove("HARNESS_SCENARIOS").current_dir(sandbox.path("own")));
    outcome.assert_code(0).assert_shows(&["alice", "bob", "performer/bob"]);
    let variables = sandbox.run_folders()[0].join("devnet.env");
    let variables = fs::read_to_string(variables).unwrap();
    let variables: BTreeMap<_, _> = variables.lines().filter_map(|line| line.split_once('=')).collect();
    for name in ["L1_RPC_URL", "L2_RPC_URL", "TASK_MAILBOX", "TASK_AVS_REGISTRAR", "L2_CHAIN_ID", "PRIVATE_KEY"] {
        assert!(variables.contains_key(name), "{name} is missing: {variables:#?}");
    }
    assert!(variables.contains_key("PERFORMER_BOB_ENDPOINT"), "{variables:#?}");
    let run = variables["HARNESS_DEVNET"];
    let task = hourglass_test_support::run(sandbox.harness(&["task", "call", "0x04"]).env("HARNESS_DEVNET", run));
    task.assert_code(0).assert_shows(&["signed by"]);
    sandbox.run(&["task", "call", ""]).assert_code(1).assert_complains(&["PayloadIsEmpty"]);
    // With a cache of its own: clusters of other tests are not meant.
    let all =
        hourglass_test_support::run(sandbox.harness(&["down", "--all"]).env("HARNESS_CACHE", sandbox.path("cache")));
    all.assert_code(0).assert_shows(&[run]);
    sandbox.assert_nothing_left();
}

#[test]
fn a_variable_without_a_scenario_is_refused() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["devnet", "--set", "payload=1"]).assert_code(2).assert_complains(&["--set", "scenario", "remedy"]);
    sandbox.run(&["devnet", "--keep-for", "1h"]).assert_code(2).assert_complains(&["--keep"]);
}

/// Nothing is started, and the settings of the user's are as they were.
#[test]
fn a_file_of_the_user_is_not_replaced() {
    let sandbox = Sandbox::new(HARNESS);
    let settings = sandbox.file(".env", "TOKEN=mine\n");
    let refused = sandbox.run(&["devnet", "--env-file", settings.to_str().unwrap()]);
    refused.assert_code(2).assert_complains(&[settings.to_str().unwrap(), "harness devnet", "remedy", "devnet.env"]);
    assert_eq!(fs::read_to_string(&settings).unwrap(), "TOKEN=mine\n");
    assert!(sandbox.run_folders().is_empty());
}
