//! The scenario test target as cargo and nextest run it: one process for the list, and one for each trial.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use hourglass_test_support::{Outcome, Running, Sandbox, anvil, eventually, run};
use rustix::process::Signal;

use crate::HARNESS;

/// Users wait for the list, and nextest requests it twice before it starts anything.
const LISTED_WITHIN: Duration = Duration::from_millis(300);

/// The newest build of the target, in the folder of this test's executable.
fn target() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_target = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("scenarios-") && path.extension().is_none()
    };
    let built = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_target);
    let newest = built.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    newest.unwrap_or_else(|| panic!("`scenarios` is not built; `cargo test` builds it with the other tests"))
}

fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(target());
    command.args(arguments);
    command
}

#[track_caller]
fn in_target(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(&mut command(sandbox, arguments))
}

/// nextest reads standard output line by line and fails at the first line that it does not know.
#[test]
fn list_has_the_format_of_nextest() {
    let sandbox = Sandbox::new(HARNESS);
    let list = in_target(&sandbox, &["--list", "--format", "terse"]);
    list.assert_code(0).assert_shows(&["process::square: test\n", "process::quorum_lost::without_fault: test\n"]);
    let known = |line: &str| {
        ["process::", "docker::", "kubernetes::", "parity::"].iter().any(|prefix| line.starts_with(prefix))
    };
    for line in list.stdout.lines() {
        assert!(known(line) && line.ends_with(": test"), "nextest does not read {line:?}");
    }
    let ignored = in_target(&sandbox, &["--list", "--ignored", "--format", "terse"]);
    ignored.assert_code(0).assert_shows(&["process::burst_large: test\n"]);
    let processes = ignored.stdout.lines().filter(|line| line.starts_with("process::")).count();
    assert_eq!(processes, 1, "ignored though the machine has it all: {}", ignored.stdout);
    sandbox.assert_nothing_left();
}

#[test]
fn listing_is_fast() {
    let sandbox = Sandbox::new(HARNESS);
    // The best of several runs, because other processes use this machine too.
    let best = (0..10).map(|_| {
        let started = Instant::now();
        in_target(&sandbox, &["--list", "--format", "terse"]);
        started.elapsed()
    });
    let best = best.min().unwrap();
    assert!(best < LISTED_WITHIN, "listing takes {best:?}");
}

#[test]
fn a_trial_is_run_by_its_exact_name() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = in_target(&sandbox, &["--exact", "process::square", "--nocapture"]);
    outcome.assert_code(0).assert_shows(&["running 1 test", "1 passed; 0 failed; 0 ignored"]);
    sandbox.assert_nothing_left();
}

#[test]
fn unknown_name_runs_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = in_target(&sandbox, &["--exact", "process::sqare", "--nocapture"]);
    outcome.assert_code(0).assert_shows(&["running 0 tests"]);
    sandbox.assert_nothing_left();
}

#[test]
fn tests_of_a_missing_runtime_are_ignored_with_the_reason() {
    let sandbox = Sandbox::new(HARNESS);
    let without_anvil = |arguments: &[&str]| run(command(&sandbox, arguments).env("HARNESS_ANVIL", "/nonexistent"));
    let listed = without_anvil(&["--list", "--format", "terse"]);
    let ignored = without_anvil(&["--list", "--ignored", "--format", "terse"]);
    assert_eq!(listed.stdout, ignored.stdout, "nextest reads from the second list what is ignored");
    assert_eq!(listed.stderr, "", "reasons are for those who run");
    let outcome = without_anvil(&["--exact", "process::square", "--nocapture"]);
    outcome.assert_code(0).assert_shows(&["0 passed; 0 failed; 1 ignored"]);
    outcome.assert_complains(&["process trials are ignored", "/nonexistent", "HARNESS_REQUIRE=process"]);
    sandbox.assert_nothing_left();
}

/// nextest runs each trial in a process of its own: all of them write to one summary.
#[test]
fn failed_trials_are_in_the_summary_of_the_step() {
    let sandbox = Sandbox::new(HARNESS);
    let script = format!("#!/bin/sh\n[ \"$1\" = --version ] && exec {} \"$@\"\nexit 7\n", anvil().display());
    let anvil = sandbox.file("anvil", &script);
    fs::set_permissions(&anvil, fs::Permissions::from_mode(0o755)).unwrap();
    let summary = sandbox.path("summary.md");
    for name in ["process::square", "process::burst"] {
        let mut command = command(&sandbox, &["--exact", name, "--nocapture"]);
        command.env("HARNESS_ANVIL", &anvil).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        run(&mut command).assert_code(101);
    }
    let text = fs::read_to_string(summary).unwrap();
    for name in ["process::square", "process::burst"] {
        assert!(text.contains(&format!("<code>{name}</code>")) && text.contains("exit status: 7"), "{text}");
    }
}

/// A pipeline that requires these trials must not succeed because they could not run.
#[test]
fn required_runtime_that_is_missing_fails() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = command(&sandbox, &["--exact", "process::square", "--nocapture"]);
    let outcome = run(command.env("HARNESS_ANVIL", "/nonexistent").env("HARNESS_REQUIRE", "process"));
    assert!(!outcome.status.success(), "it passes: {outcome:?}");
    outcome.assert_shows(&["0 passed; 1 failed", "/nonexistent"]);
}

#[test]
fn requirement_that_is_no_runtime_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(command(&sandbox, &["--list", "--format", "terse"]).env("HARNESS_REQUIRE", "nonsense"));
    outcome.assert_code(2).assert_complains(&["nonsense", "process", "docker", "kubernetes"]);
    assert_eq!(outcome.stdout, "");
}

/// nextest sends SIGTERM to the group of a test that takes too long, and SIGKILL if that does not help.
#[rstest::rstest]
#[case::asked(Signal::TERM)]
#[case::forced(Signal::KILL)]
fn a_trial_that_takes_too_long_leaves_nothing(#[case] signal: Signal) {
    let sandbox = Sandbox::new(HARNESS);
    let test = Running::start(&mut command(&sandbox, &["--exact", "process::performer_too_slow", "--nocapture"]));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    test.signal_group(signal);
    let outcome = test.finish();
    assert!(!outcome.status.success(), "a trial that was cut off passes: {outcome:?}");
    if signal == Signal::TERM {
        outcome.assert_shows(&["interrupted before its end"]);
        sandbox.assert_no_process();
        return;
    }
    let left = eventually(Duration::from_secs(2), || {
        let left = (sandbox.processes(), sandbox.run_folders());
        if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(left) }
    });
    assert_eq!(left, Ok(()), "left two seconds after the kill");
}
