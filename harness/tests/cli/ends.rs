//! Components and chains that end although no step asked for it: the harness reports at once how they ended and whose
//! fault it is.

use std::time::{Duration, Instant};

use hourglass_test_support::{Running, Sandbox};
use rustix::process::Signal;

use crate::HARNESS;

/// A task that does not end, and an expectation that a trial without an aggregator meets too.
const LONG: &str = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}
topology: {mining: 1s, task_sla: 8m}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_expired: {within: 10m}
";
/// The longest time from the end to the exit of the command, on a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

#[rstest::rstest]
#[case::of_the_aggregator("component aggregator", 1, &["invariant: aggregator keeps running", "every chain is followed"])]
#[case::of_an_executor("component executor", 1, &["invariant: executor/operator keeps running", "performer started"])]
#[case::of_a_performer("component performer", 1, &["invariant: performer/operator keeps running"])]
#[case::of_l1("--chain-id 31337", 3, &["chain 31337 ended with ", "remedy"])]
#[case::of_l2("--chain-id 31338", 3, &["chain 31338 ended with ", "remedy"])]
fn unexpected_end_is_reported_at_once(#[case] command: &str, #[case] code: i32, #[case] texts: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    let harness = started(&sandbox, LONG);
    sandbox.signal_process(command, Signal::KILL);
    let killed = Instant::now();
    let outcome = harness.finish();
    let took = killed.elapsed();
    outcome.assert_code(code).assert_shows(texts).assert_shows(&["signal: 9"]);
    assert!(took < TOLD_WITHIN, "it took {took:?}");
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let timeline = std::fs::read_to_string(folder.join("timeline.jsonl")).unwrap();
    assert!(timeline.contains("ended with"), "{timeline}");
    sandbox.assert_no_process();
}

/// A component that a step has ended is watched again after a step has started it.
#[test]
fn end_after_a_restart_is_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let restarted =
        LONG.replace("steps:", "steps:\n  - kill: {component: aggregator}\n  - restart: {component: aggregator}");
    let harness = started(&sandbox, &restarted);
    sandbox.signal_process("component aggregator", Signal::KILL);
    harness.finish().assert_code(1).assert_shows(&["invariant: aggregator keeps running", "signal: 9"]);
    sandbox.assert_no_process();
}

/// The end of a removed performer is no failure, and that of the one that was deployed in its place is.
#[test]
fn end_of_a_deployed_performer_is_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let replaced = "steps:\n  - remove_performer: {operator: operator}\n  - deploy_performer: {operator: operator}";
    let harness = started(&sandbox, &LONG.replace("steps:", replaced));
    sandbox.signal_process("component performer", Signal::KILL);
    harness.finish().assert_code(1).assert_shows(&["invariant: performer/operator keeps running", "signal: 9"]);
    sandbox.assert_no_process();
}

const DECLARED: &str = "invariants: {expected_ends: [aggregator]}\n";

#[test]
fn a_declared_end_is_no_failure() {
    let sandbox = Sandbox::new(HARNESS);
    let scenario = LONG.replace("8m", "10s").replace("600000", "20000");
    let harness = started(&sandbox, &format!("{DECLARED}{scenario}"));
    sandbox.signal_process("component aggregator", Signal::KILL);
    harness.finish().assert_code(0).assert_shows(&["1 passed"]);
    sandbox.assert_nothing_left();
}

#[test]
fn a_declared_end_that_does_not_come_is_a_failure() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";
    let outcome = sandbox.run_file(&sandbox.scenario("declared", &format!("{DECLARED}{steps}")));
    outcome.assert_code(1).assert_shows(&["invariant: expected ends", "aggregator did not end"]);
    sandbox.assert_no_process();
}

#[test]
fn declared_end_of_an_unknown_component_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";
    let ends = "invariants: {expected_ends: [performer/alise]}\ntopology: {operators: [{name: alice}]}\n";
    let outcome = sandbox.run_file(&sandbox.scenario("unknown", &format!("{ends}{steps}")));
    outcome.assert_code(2).assert_complains(&["alise", "did you mean", "alice"]);
}

/// Starts the scenario and waits until it is in the middle of its task.
#[track_caller]
fn started(sandbox: &Sandbox, scenario: &str) -> Running {
    let path = sandbox.scenario("ends", scenario);
    let harness = Running::start(&mut sandbox.harness(&["run".as_ref(), path.as_os_str()]));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    harness
}
