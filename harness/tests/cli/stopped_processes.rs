//! Processes that are stopped, and so neither close a connection nor answer: a chain, an executor, the harness itself.
//! Nothing waits for them forever, and the report names them.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use hourglass_test_support::{LIMIT, Running, Sandbox, eventually};
use rustix::process::{Pid, Signal, kill_process};

use crate::HARNESS;

/// A task that takes longer than a test needs to freeze something.
const SLOW: &str = "components: {performer: {environment: {TASK_DELAY_MS: 3000}}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", within: 5s}
";
/// The longest time that an interrupted command may take.
const INTERRUPTED_WITHIN: Duration = Duration::from_secs(10);

/// Signals the Anvil of L2 that a harness in this sandbox started.
#[track_caller]
fn signal_l2(sandbox: &Sandbox, signal: Signal) {
    let is_l2 = |line: &&String| line.contains("anvil --host") && line.contains("--chain-id 31338");
    let found = sandbox.processes().iter().find(is_l2).cloned().unwrap();
    let pid = found.split(' ').next().unwrap().parse().ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Runs the scenario until its performer works.
fn working(sandbox: &Sandbox, scenario: &str) -> Running {
    let path = sandbox.scenario("frozen", scenario);
    let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    harness
}

#[test]
fn stopped_chain_exits_with_3_and_is_named() {
    let sandbox = Sandbox::new(HARNESS);
    let harness = working(&sandbox, SLOW);
    signal_l2(&sandbox, Signal::STOP);
    let began = Instant::now();
    let outcome = harness.finish();
    outcome.assert_code(3).assert_shows(&[
        "ask chain 31338 at http://127.0.0.1:",
        "did not answer",
        "within 15s",
        "remedy",
    ]);
    assert!(began.elapsed() < LIMIT, "it took {:?}", began.elapsed());
    sandbox.assert_no_process();
}

/// A chain may be slow on a busy machine, or stopped for a moment.
#[test]
fn chain_stopped_for_a_moment_does_no_harm() {
    let sandbox = Sandbox::new(HARNESS);
    let harness = working(&sandbox, &SLOW.replace("5s", "30s"));
    signal_l2(&sandbox, Signal::STOP);
    sleep(Duration::from_secs(5));
    signal_l2(&sandbox, Signal::CONT);
    harness.finish().assert_code(0);
    sandbox.assert_nothing_left();
}

#[rstest::rstest]
#[case::ctrl_c(Signal::INT)]
#[case::sigterm(Signal::TERM)]
fn interruption_ends_a_run_with_a_stopped_chain(#[case] signal: Signal) {
    let sandbox = Sandbox::new(HARNESS);
    let harness = working(&sandbox, &SLOW.replace("5s", "60s"));
    signal_l2(&sandbox, Signal::STOP);
    let began = Instant::now();
    harness.signal(signal);
    harness.finish().assert_code(130).assert_shows(&["1 interrupted"]);
    assert!(began.elapsed() < INTERRUPTED_WITHIN, "it took {:?}", began.elapsed());
    no_process_soon(&sandbox);
}

/// Components that do not end when they are told to take ten seconds each.
#[test]
fn a_second_ctrl_c_ends_the_command_at_once_and_leaves_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let stubborn = "components: {aggregator: {command: [sh, -c, \"trap '' TERM; echo up; \\\"$0\\\" \\\"$@\\\"\", HARNESS, component, aggregator]}}\n";
    let stubborn = stubborn.replace("HARNESS", crate::HARNESS);
    let harness = working(&sandbox, &format!("{stubborn}{}", SLOW.split_once('\n').unwrap().1.replace("5s", "60s")));
    harness.signal(Signal::INT);
    sleep(Duration::from_millis(700));
    let began = Instant::now();
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    no_process_soon(&sandbox);
}

/// Waits until the supervisor, which takes up to a minute, has ended all processes.
#[track_caller]
fn no_process_soon(sandbox: &Sandbox) {
    let left = eventually(LIMIT, || match sandbox.processes() {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    });
    assert_eq!(left, Ok(()), "the supervisor has left processes behind");
}

/// The task is verified while the harness is stopped, and the time limit of the wait is over when it continues.
#[test]
fn events_while_the_harness_was_stopped_count() {
    let sandbox = Sandbox::new(HARNESS);
    let harness = working(&sandbox, SLOW);
    harness.signal(Signal::STOP);
    sleep(Duration::from_secs(8));
    harness.signal(Signal::CONT);
    harness.finish().assert_code(0).assert_shows(&["1 passed"]);
    sandbox.assert_nothing_left();
}

/// A sleeping machine, or a paused virtual machine: no process notices that time has passed.
#[test]
fn trial_continues_after_everything_was_stopped() {
    let sandbox = Sandbox::new(HARNESS);
    let harness = working(&sandbox, SLOW);
    sandbox.signal_all(Signal::STOP);
    sleep(Duration::from_secs(3));
    sandbox.signal_all(Signal::CONT);
    harness.finish().assert_code(0).assert_shows(&["1 passed"]);
    sandbox.assert_nothing_left();
}

#[test]
fn step_over_its_limit_exits_with_1_and_is_named() {
    let sandbox = Sandbox::new(HARNESS);
    let steps =
        "topology: {mining: 1h}\nsteps:\n  - create_task: {payload: \"0x04\", within: 2s}\n  - expect_verified: {}\n";
    let outcome = sandbox.run_file(&sandbox.scenario("slow_blocks", steps));
    outcome.assert_code(1).assert_shows(&[
        "create_task at ",
        "slow_blocks.yaml:5",
        "done within 2s",
        "not done after 2s",
    ]);
    sandbox.assert_no_process();
}

#[rstest::rstest]
#[case::of_the_scenario("timeout: 2s\n", &[])]
#[case::of_the_command_line("timeout: 10m\n", &["--trial-timeout", "2s"])]
fn trial_over_its_limit_exits_with_1_and_names_the_current_step(#[case] key: &str, #[case] arguments: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    let slow = SLOW.replace("3000", "600000").replace("5s", "5m");
    let path = sandbox.scenario("late", &format!("{key}{slow}"));
    let outcome = Running::start(sandbox.harness(&["run"]).args(arguments).arg(&path)).finish();
    outcome.assert_code(1).assert_shows(&["the trial", "its end within 2s", "expect_verified at ", "1 failed"]);
    sandbox.assert_no_process();
}

/// A stopped executor cannot be asked for its performers. It must not delay anything else.
#[test]
fn the_performer_of_a_paused_executor_is_killed() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "topology: {operators: [{name: alice}, {name: bob}], threshold: 5000}
steps:
  - pause: {component: executor/bob}
  - kill: {component: performer/bob}
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", signed_by: [alice]}
";
    sandbox.run_file(&sandbox.scenario("paused", steps)).assert_code(0);
    sandbox.assert_nothing_left();
}

/// Two operators of three give different answers: a third answer cannot help, and nothing waits for it.
#[test]
fn task_that_can_no_longer_be_verified_ends_the_wait() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "topology:
  threshold: 6667
  operators:
    - {name: alice}
    - {name: bob, performer: {environment: {TASK_WRONG_RESULT: true}}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", within: 50s}
";
    let began = Instant::now();
    let outcome = sandbox.run_file(&sandbox.scenario("split", steps));
    outcome.assert_code(1).assert_shows(&[
        "expect_verified at ",
        "no result can reach the threshold any more",
        "result \"0x10\": alice (weight 100)",
        "result \"0x11\": bob (weight 100)",
    ]);
    assert!(began.elapsed() < Duration::from_secs(40), "it was waited for: {:?}", began.elapsed());
    sandbox.assert_no_process();
}
