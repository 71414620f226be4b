//! The exit code and the text for each kind of end. Each end leaves nothing behind.

use std::{fs, path::Path, process::Command};

use hourglass_test_support::{Outcome, Sandbox, line_of, run};

use crate::HARNESS;

const ONE_TASK: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn pass_exits_with_0_and_leaves_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "square"]).assert_code(0).assert_shows(&["PASS  process::square", "1 passed, 0 failed"]);
    sandbox.assert_nothing_left();
}

/// Users read this text most: it must hold everything that is needed to find the fault.
#[test]
fn failure_exits_with_1_and_names_cause_place_and_command() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x11\"}\n";
    let path = sandbox.scenario("wrong_expectation", steps);
    let step = format!("expect_verified at {}:{}", path.display(), line_of(&path, "expect_verified"));
    let outcome = sandbox.run_file(&path);
    outcome.assert_code(1).assert_shows(&[
        "FAIL  process::wrong_expectation",
        &step,
        "expected  result \"0x11\"",
        "seen      result \"0x10\"",
        "TaskVerified",
        &format!("again     harness run --scenarios {} process::wrong_expectation\n", path.parent().unwrap().display()),
        "0 passed, 1 failed",
    ]);
    sandbox.assert_no_process();
    let folder = only_folder(&sandbox);
    outcome.assert_shows(&[&format!("folder    {} (index.md, timeline.jsonl, scenario.yaml, logs)", folder.display())]);
    assert_evidence(&folder);
}

/// Users copy the command that a failure shows without reading it.
#[test]
fn command_shown_by_a_failure_repeats_only_that_trial() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "matrix: {result: [\"0x10\", \"0x11\"]}\nsteps:\n  - create_task: {payload: \"0x04\"}\n  \
        - expect_verified: {result: \"${result}\"}\n";
    let outcome = sandbox.run_file(&sandbox.scenario("half_wrong", steps));
    outcome.assert_code(1).assert_shows(&["1 passed, 1 failed"]);
    let again = outcome.stdout.lines().find_map(|line| line.trim().strip_prefix("again")).unwrap();
    let again = again.trim().replacen("harness", HARNESS, 1);
    let outcome = run(sandbox.command("sh").args(["-c", &again]).env_remove("HARNESS_SCENARIOS"));
    outcome.assert_code(1).assert_shows(&["Summary 1 trial ", "0 passed, 1 failed"]);
}

/// A full name includes the runtime, whatever the default is.
#[test]
fn trial_is_run_by_its_full_name() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "process::square"]).assert_code(0).assert_shows(&["PASS  process::square ", "1 passed"]);
    let outcome = run(without_engine(&mut sandbox.harness(&["run", "docker::square"])));
    outcome.assert_code(3).assert_shows(&["ERROR docker::square"]);
    sandbox.assert_nothing_left();
}

/// Programs read the timeline, and users read the logs if the timeline is not enough.
fn assert_evidence(folder: &Path) {
    let text = fs::read_to_string(folder.join("timeline.jsonl")).unwrap();
    let entries: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<jiff::Timestamp> =
        entries.iter().map(|entry| entry["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "the timeline is not in the order of time");
    for event in ["task_created", "task_observed", "performer_started", "task_signed", "task_verified"] {
        assert!(entries.iter().any(|entry| entry["event"] == event), "the timeline has no {event}");
    }
    for log in ["aggregator.log", "executor-operator.log", "chain-31337.log", "chain-31338.log"] {
        let length = fs::metadata(folder.join("logs").join(log)).map(|metadata| metadata.len());
        assert!(length.is_ok_and(|length| length > 0), "{log} is missing or empty");
    }
}

#[test]
fn invalid_scenario_exits_with_2_and_starts_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("bad", "tasg: [x]\nsteps:\n  - create_tsk: {payload: \"0x04\"}\n");
    let outcome = sandbox.run_file(&path);
    outcome.assert_code(2).assert_complains(&[
        &format!("{}:3:1", path.display()),
        "did you mean `tags`?",
        &format!("{}:5:5", path.display()),
        "did you mean `create_task`?",
    ]);
    sandbox.assert_nothing_left();
}

#[test]
fn unknown_names_exit_with_2_and_a_suggestion() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "sqare"]).assert_code(2).assert_complains(&["square"]);
    sandbox.run(&["run", "--no-such-option"]).assert_code(2);
    sandbox.run(&["run", "--jobs", "0", "square"]).assert_code(2);
    sandbox.assert_nothing_left();
}

#[test]
fn any_number_of_jobs_runs_the_trials() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "--jobs", &usize::MAX.to_string(), "square"]).assert_code(0);
    sandbox.assert_nothing_left();
}

#[test]
fn program_that_is_no_anvil_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--anvil", "/bin/false", "square"]);
    assert_environment_failed(
        &sandbox,
        &outcome,
        &["/bin/false is not ready as chain ", "exit status: 1", "remedy", "--anvil"],
    );
}

#[test]
fn missing_anvil_exits_with_3_and_is_named() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--anvil", "/nonexistent", "square"]);
    outcome.assert_code(3).assert_complains(&["/nonexistent", "--anvil"]);
    let outcome = run(sandbox.harness(&["run", "square"]).env("HARNESS_ANVIL", "/nonexistent"));
    outcome.assert_code(3).assert_complains(&["/nonexistent", "HARNESS_ANVIL"]);
    sandbox.assert_nothing_left();
}

/// Offline, nothing may be installed, and the text must name the ways to get an Anvil.
#[test]
fn offline_without_anvil_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let empty = sandbox.path("empty");
    let outcome = run(sandbox
        .harness(&["run", "--offline", "square"])
        .env_remove("HARNESS_ANVIL")
        .env_remove("FOUNDRY_DIR")
        .env("PATH", &empty)
        .env("HOME", &empty)
        .env("HARNESS_CACHE", &empty));
    outcome.assert_code(3).assert_complains(&["--offline", "Foundry", "npm install", "--anvil", "HARNESS_ANVIL"]);
    assert!(!empty.exists(), "something was installed");
    sandbox.assert_nothing_left();
}

#[test]
fn missing_runtime_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(without_engine(&mut sandbox.harness(&["run", "--runtime", "docker,kubernetes", "square"])));
    outcome.assert_code(3).assert_shows(&["ERROR docker::square", "failed to find a Docker engine", "DOCKER_HOST"]);
    outcome.assert_shows(&["ERROR kubernetes::square"]);
    sandbox.assert_nothing_left();
}

/// A trial that could not be run does not weaken the failure of another; both are reported.
#[test]
fn failure_outweighs_an_environment_error_and_both_are_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let kill = "  - kill: {component: aggregator}\n";
    let broken = format!("steps:\n{kill}{kill}  - expect_rejected: {{payload: \"\", error: PayloadIsEmpty}}\n");
    let paths = [
        sandbox.scenario("failing", &ONE_TASK.replace("0x10", "0x11")),
        sandbox.scenario("broken", &broken),
        sandbox.scenario("good", ONE_TASK),
    ];
    let arguments: Vec<_> = ["run".into()].into_iter().chain(paths).collect();
    let outcome = sandbox.run(&arguments);
    outcome.assert_code(1).assert_shows(&[
        "3 trials",
        "1 passed, 1 failed, 1 environment error",
        "1 trial could not be run",
    ]);
    sandbox.assert_no_process();
    assert_eq!(sandbox.run_folders().len(), 2, "the folders of the two that did not pass are kept, and only those");
}

#[track_caller]
fn assert_environment_failed(sandbox: &Sandbox, outcome: &Outcome, texts: &[&str]) {
    outcome.assert_code(3).assert_shows(&["ERROR process::", "the environment failed"]).assert_shows(texts);
    sandbox.assert_no_process();
    let folder = only_folder(sandbox);
    outcome.assert_shows(&[&folder.display().to_string()]);
    assert!(folder.join("timeline.jsonl").is_file(), "the folder that the report names has no timeline");
}

fn only_folder(sandbox: &Sandbox) -> std::path::PathBuf {
    let [folder] = sandbox.run_folders().try_into().unwrap();
    folder
}

/// Makes these tests independent of whether the machine has an engine.
fn without_engine(command: &mut Command) -> &mut Command {
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
}
