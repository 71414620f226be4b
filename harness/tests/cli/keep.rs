//! `--keep` and `gc`: an environment that is kept on purpose can be used, found and ended, and nothing else is ended.

use std::{fs, net::TcpStream, path::PathBuf};

use hourglass_test_support::{Running, Sandbox, run};
use rustix::process::Signal;
use serde_json::json;

use crate::{HARNESS, json_rpc::ask};

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn kept_environment_answers_and_gc_ends_it() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--keep", "always", "square"]);
    let folder = only_folder(&sandbox);
    let name = folder.file_name().unwrap().to_str().unwrap();
    let (kept, gc) = (folder.display().to_string(), format!("harness gc {name}"));
    outcome.assert_code(0).assert_shows(&["chain 31337", "chain 31338", "aggregator", "executor/operator", &kept, &gc]);

    for (chain, id) in [("chain 31337", "0x7a69"), ("chain 31338", "0x7a6a")] {
        assert_eq!(chain_id(endpoint(&outcome.stdout, chain)), id, "{chain} does not answer at its endpoint");
    }
    for component in ["aggregator", "executor/operator"] {
        TcpStream::connect(endpoint(&outcome.stdout, component)).unwrap();
    }

    let running = sandbox.processes().len();
    let listed = sandbox.run(&["ps"]);
    listed.assert_code(0).assert_shows(&[name, "kept", "process::square", " began ", "owner       none", &kept]);

    let listed = sandbox.run(&["gc", "--dry-run"]);
    listed.assert_code(0).assert_shows(&[name, "anvil", "component aggregator", "component executor"]);
    assert_eq!(sandbox.processes().len(), running, "a dry run ended something");

    sandbox.run(&["gc", name]).assert_code(0).assert_shows(&[name]);
    sandbox.assert_nothing_left();
    let again = sandbox.run(&["gc"]);
    assert_eq!((again.status.code(), again.stdout.as_str()), (Some(0), ""), "there was nothing to do");
}

#[test]
fn gc_of_an_unknown_run_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox
        .run(&["gc", "r00000000a-00000000"])
        .assert_code(2)
        .assert_complains(&["there is nothing of run r00000000a-00000000", "--dry-run"]);
    sandbox.run(&["gc", "../.."]).assert_code(2);
}

#[test]
fn keep_on_failure_keeps_only_failed_trials() {
    let sandbox = Sandbox::new(HARNESS);
    let good = sandbox.scenario("good", STEPS);
    let bad = sandbox.scenario("bad", &STEPS.replace("0x10", "0x11"));
    let outcome = run(sandbox.harness(&["run", "--keep", "failed"]).args([&good, &bad]));
    outcome.assert_code(1).assert_shows(&["chain 31338", "harness gc"]);
    let folder = only_folder(&sandbox);
    assert!(fs::read_to_string(folder.join("timeline.jsonl")).unwrap().contains("bad.yaml"), "the wrong one was kept");
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(chain_id(endpoint(&outcome.stdout, "chain 31338")), "0x7a6a");
    sandbox.run(&["gc"]).assert_code(0).assert_shows(&[&name]);
    sandbox.assert_nothing_left();
}

/// Several users or jobs share a machine: one `gc` must not end the runs of another harness.
#[test]
fn gc_ignores_runs_of_another_harness() {
    let sandbox = Sandbox::new(HARNESS);
    let long = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}\n\
        steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";
    let path = sandbox.scenario("long", long);
    let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
    let folder = sandbox.wait_for_log("executor-operator.log", "performer_started");
    let before = sandbox.processes();
    let name = folder.file_name().unwrap().to_str().unwrap();
    for arguments in [&["gc"][..], &["gc", name]] {
        sandbox.run(arguments).assert_code(0).assert_shows(&[name, "under way, left alone"]);
    }
    assert_eq!(sandbox.processes(), before, "a trial under way was touched");
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    sandbox.assert_no_process();
    sandbox.run(&["gc"]).assert_code(0).assert_shows(&["nothing runs"]);
    sandbox.assert_nothing_left();
}

pub(crate) fn only_folder(sandbox: &Sandbox) -> PathBuf {
    let [folder] = sandbox.run_folders().try_into().unwrap();
    folder
}

/// The address that the text gives for a component.
#[track_caller]
pub(crate) fn endpoint<'a>(text: &'a str, name: &str) -> &'a str {
    let after = text.lines().find_map(|line| line.split_once(name).map(|(_, after)| after.trim()));
    let address = after.unwrap_or_else(|| panic!("no endpoint of {name}\n{text}"));
    address.trim_start_matches("http://").trim_end_matches('/')
}

/// The id that a chain reports.
fn chain_id(address: &str) -> String {
    ask(address, "eth_chainId", &json!([])).as_str().unwrap().to_owned()
}
