//! Ctrl-C and SIGTERM: an orderly end at any moment.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    time::Duration,
};

use hourglass_test_support::{LIMIT, Running, Sandbox, eventually, scenarios};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, Signal, kill_process},
};

use crate::HARNESS;

/// A task that does not end before the signal.
const LONG: &str = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}\n\
    steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";

#[rstest::rstest]
#[case::ctrl_c(Signal::INT)]
#[case::sigterm(Signal::TERM)]
fn a_signal_during_the_steps_ends_the_trial_in_order(#[case] signal: Signal) {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("long", LONG);
    let json = sandbox.path("report.json");
    let mut command = sandbox.harness(&["run", "--json"]);
    let harness =
        Running::start(command.arg(&json).arg(&path).arg(scenarios().join("square.yaml")).args(["--jobs", "1"]));
    let folder = sandbox.wait_for_log("executor-operator.log", "performer_started");
    // The whole group, as a terminal does.
    harness.signal_group(signal);
    let outcome = harness.finish();
    outcome.assert_code(130).assert_shows(&[
        "STOP  process::long",
        "interrupted before its end",
        "1 interrupted, 1 not run",
    ]);
    sandbox.assert_no_process();
    outcome.assert_shows(&[&folder.display().to_string()]);
    assert!(folder.join("timeline.jsonl").is_file(), "what was seen until then is lost");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!((&report["exit_code"], &report["not_run"][0]), (&130.into(), &"process::square".into()), "{report}");
}

/// A log collector that hangs, or a report in a pipe that nobody reads.
#[test]
fn a_pipe_that_nobody_reads_does_not_keep_a_run_from_ending() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("long", LONG);
    let (reader, writer) = io::pipe().unwrap();
    let before = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, before | OFlags::NONBLOCK).unwrap();
    while (&writer).write(&[b'x'; 1 << 10]).is_ok() {}
    fcntl_setfl(&writer, before).unwrap();
    let mut command = sandbox.harness(&["run"]);
    let mut harness = command.arg(&path).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    let pid = Pid::from_child(&harness);
    // The first signal ends the trial, whose verdict cannot be written; later ones end the process at once.
    let ended = eventually(LIMIT, || {
        let _ = kill_process(pid, Signal::INT);
        harness.try_wait().unwrap().ok_or("the harness hangs")
    });
    let status = ended.unwrap();
    // If its last output blocks its exit too, it is killed.
    assert!(status.code() == Some(130) || status.signal() == Some(9), "{status}");
    drop(reader);
    let gone = eventually(LIMIT, || match sandbox.processes() {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    });
    assert_eq!(gone, Ok(()));
}

/// Chains and components are starting at that moment.
#[test]
fn signal_during_start_up_ends_the_environment_in_order() {
    for log in ["chain-31337.log", "executor-operator.log", "aggregator.log"] {
        let sandbox = Sandbox::new(HARNESS);
        let path = sandbox.scenario("long", LONG);
        let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
        let folder = sandbox.wait_for_log(log, "");
        harness.signal(Signal::INT);
        let outcome = harness.finish();
        outcome.assert_code(130).assert_shows(&["STOP  process::long"]);
        sandbox.assert_no_process();
        assert!(folder.join("timeline.jsonl").is_file(), "stopped at {log}: the folder that the report names is gone");
    }
}

/// The chains that make the state do not belong to the runtime yet; the cache must not collect incomplete states.
#[test]
fn signal_during_state_creation_leaves_no_partial_state() {
    let sandbox = Sandbox::new(HARNESS);
    let cache = sandbox.path("cache");
    let harness = Running::start(sandbox.harness(&["run", "square"]).env("HARNESS_CACHE", &cache));
    let making = || {
        let entries = fs::read_dir(cache.join("state")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).find(|path| path.join("work/chain-31337.log").exists())
    };
    eventually(LIMIT, || making().ok_or("no state is being made")).unwrap();
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    sandbox.assert_no_process();
    let left: Vec<_> = fs::read_dir(cache.join("state")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "a state that was never finished is left: {left:?}");
}

/// Users ask for kept environments with `--keep`; an interrupted run keeps none.
#[test]
fn an_interrupted_trial_is_not_kept_running() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("long", LONG);
    let harness = Running::start(sandbox.harness(&["run", "--keep", "always"]).arg(&path));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    sandbox.assert_no_process();
}

/// A second Ctrl-C is a reflex, and no reason to leave anything behind.
#[test]
fn repeated_signals_change_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("long", LONG);
    let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    for _ in 0..5 {
        harness.signal_group(Signal::INT);
    }
    harness.finish().assert_code(130);
    let left = eventually(Duration::from_secs(2), || {
        let left = sandbox.processes();
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    assert_eq!(left, Ok(()), "several signals left processes behind");
}
