//! What is asked of every runner of tests: variables, exclusions, shards, repetitions, what failed last, live logs.

use std::fs;

use hourglass_test_support::{FILES, Outcome, Sandbox, run};

use crate::{HARNESS, schemas::assert_agrees};

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
/// With a variable that decides whether it passes.
const VARIABLE: &str = "variables: {result: \"0x10\"}\nsteps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"${result}\"}\n";
const FAILS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x11\"}\n";

/// The harness with the sandbox's own scenarios.
fn own(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(sandbox.harness(arguments).arg("--scenarios").arg(sandbox.path(FILES)))
}

/// The names that `scenario list` shows.
fn listed(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let outcome = own(sandbox, &[&["scenario", "list"], arguments].concat());
    outcome.assert_code(0);
    outcome.stdout.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The command line wins over the environment, which wins over the file.
#[test]
fn variables_are_set_by_the_command_line_and_the_environment() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("own", VARIABLE);
    let folder = sandbox.path(FILES);
    let with = |arguments: &[&str], value: Option<&str>| {
        let mut command = sandbox.harness(arguments);
        command.arg("--scenarios").arg(&folder);
        value.map(|value| command.env("HARNESS_VAR_result", value));
        run(&mut command)
    };
    with(&["run"], None).assert_code(0).assert_shows(&["PASS  process::own"]);
    let outcome = with(&["run"], Some("0x11"));
    outcome.assert_code(1).assert_shows(&["expected  result \"0x11\"", "harness run --set result=0x11 --scenarios "]);
    with(&["run", "--set", "result=0x10"], Some("0x11")).assert_code(0);
    let outcome = with(&["run", "--set", "result=0x12"], None);
    // The whole command, so that it repeats the failure.
    outcome.assert_code(1).assert_shows(&["expected  result \"0x12\"", "harness run --set result=0x12 --scenarios "]);
    with(&["scenario", "plan", "--set", "result=0x12"], None).assert_code(0).assert_shows(&["result=\"0x12\""]);
    let outcome = with(&["run", "--set", "reslut=0x10"], None);
    outcome.assert_code(2).assert_complains(&["failed to set `reslut`", "did you mean `result`?"]);
    with(&["lint", "--set", "reslut=0x10"], None).assert_code(2).assert_complains(&["did you mean `result`?"]);
    let mut command = sandbox.harness(&["scenario", "list"]);
    let outcome = run(command.arg("--scenarios").arg(&folder).env("HARNESS_VAR_reslut", "0x10"));
    outcome.assert_code(0).assert_complains(&["HARNESS_VAR_reslut is set, and no scenario has the variable"]);
    sandbox.assert_no_process();
}

/// Users copy the command, which must not test something else than what failed.
#[test]
fn a_failure_is_repeated_with_its_options() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("own", FAILS);
    sandbox.file("other.yaml", &format!("scenarios: {FILES}\n"));
    let arguments = ["run", "--project", "other.yaml", "--allow-error", "no such .*", "--trial-timeout", "5m"];
    let outcome = run(sandbox.harness(&arguments).env_remove("HARNESS_SCENARIOS"));
    let options = "--project other.yaml --allow-error 'no such .*' --trial-timeout 5m --scenarios ";
    outcome.assert_code(1).assert_shows(&[&format!("again     harness run {options}")]);
    let folder = sandbox.run_folders().remove(0);
    let page = fs::read_to_string(folder.join("index.md")).unwrap();
    assert!(page.contains(&format!("harness run {options}")), "{page}");
}

/// A variable without a value stands for what only the user's environment knows.
#[test]
fn a_variable_without_a_value_must_be_set() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("own", &VARIABLE.replace("{result: \"0x10\"}", "{result: }"));
    let problem = "own.yaml:3:13: the variable `result` has no value";
    let outcome = own(&sandbox, &["lint", "--short"]);
    outcome.assert_code(2).assert_shows(&[problem, "HARNESS_VAR_result", "1 problem in 1 of 1 scenario file"]);
    own(&sandbox, &["run"]).assert_code(2).assert_complains(&["the variable `result` has no value"]);
    own(&sandbox, &["lint", "--set", "result=0x10"]).assert_code(0);
    let mut command = sandbox.harness(&["run", "own", "--scenarios"]);
    run(command.arg(sandbox.path(FILES)).env("HARNESS_VAR_result", "0x10")).assert_code(0);
}

#[test]
fn excluded_scenarios_are_not_run() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("alice", STEPS);
    sandbox.scenario("bob", &format!("tags: [slow]\n{STEPS}"));
    sandbox.scenario("carol", "broken: true\n");
    let outcome = own(&sandbox, &["run", "--exclude", "bob", "--exclude", "carol"]);
    outcome.assert_code(0).assert_shows(&["PASS  process::alice", "Summary 1 trial"]);
    fs::remove_file(sandbox.path(FILES).join("carol.yaml")).unwrap();
    assert_eq!(listed(&sandbox, &["--runtime", "process", "--exclude-tag", "slow"]), ["process::alice"]);
    let outcome = own(&sandbox, &["run", "--exclude", "bbo"]);
    outcome.assert_code(2).assert_complains(&["nothing is called `bbo`", "did you mean `bob`?"]);
    let outcome = own(&sandbox, &["scenario", "plan", "--exclude-tag", "slwo"]);
    outcome.assert_code(2).assert_complains(&["no scenario has the tag `slwo`", "did you mean `slow`?"]);
}

/// The trials of all shards are those of the whole run, each once.
#[test]
fn shards_are_the_parts_of_a_run() {
    let sandbox = Sandbox::new(HARNESS);
    for name in ["alice", "bob", "carol"] {
        sandbox.scenario(name, STEPS);
    }
    let of = |shard: &str| listed(&sandbox, &["--runtime", "process", "--shard", shard]);
    let parts = [of("1/2"), of("2/2")];
    assert_eq!(parts, [vec!["process::alice", "process::carol"], vec!["process::bob"]]);
    let outcome = own(&sandbox, &["run", "--shard", "2/2"]);
    outcome.assert_code(0).assert_shows(&["PASS  process::bob", "Summary 1 trial"]);
    let outcome = own(&sandbox, &["run", "--shard", "4/4"]);
    outcome.assert_code(2).assert_complains(&["shard 4/4 has no trial", "make 3 shards"]);
    own(&sandbox, &["run", "--shard", "0/2"]).assert_code(2).assert_complains(&["there is no shard 0 of 2"]);
}

/// Nobody waits for the rest once it is clear that the run fails, and nothing claims that the rest was run.
#[test]
fn no_trial_begins_after_a_failure() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("alice", FAILS);
    sandbox.scenario("bob", STEPS);
    sandbox.scenario("carol", STEPS);
    let (junit, json) = (sandbox.path("junit.xml"), sandbox.path("report.json"));
    let reports = ["--junit", junit.to_str().unwrap(), "--json", json.to_str().unwrap()];
    let outcome = own(&sandbox, &[&["run", "--fail-fast", "--jobs", "1"], &reports[..]].concat());
    outcome.assert_code(1).assert_shows(&[
        "FAIL  process::alice",
        "Summary 3 trials",
        "0 passed, 1 failed, 2 not run",
        "Stopped 2 trials were not started, because process::alice had failed",
    ]);
    assert!(!outcome.stdout.contains("could not be run"), "{}", outcome.stdout);
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("tests=\"3\" skipped=\"2\" errors=\"0\" failures=\"1\""), "{junit}");
    assert!(junit.contains("not started, because process::alice had failed"), "{junit}");
    let report = fs::read_to_string(json).unwrap();
    assert_agrees("run-report", &report);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["stopped_by"], "process::alice");
    assert_eq!(report["not_run"], serde_json::json!(["process::bob", "process::carol"]));
    sandbox.assert_no_process();
}

/// One failure of many is a failure, and its name tells which.
#[test]
fn repetitions_are_trials_of_their_own() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("own", VARIABLE);
    let outcome = own(&sandbox, &["run", "--repeat", "3"]);
    outcome.assert_code(0).assert_shows(&["PASS  process::own#1 ", "PASS  process::own#3 ", "3 passed"]);
    let outcome = own(&sandbox, &["run", "--repeat", "2", "--set", "result=0x11"]);
    outcome.assert_code(1).assert_shows(&["FAIL  process::own#2", "0 passed, 2 failed", "'process::own#2'"]);
    // The name of a report finds the trial.
    own(&sandbox, &["run", "process::own#2"]).assert_code(0).assert_shows(&["PASS  process::own "]);
}

#[test]
fn what_failed_last_is_run_again() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("alice", STEPS);
    sandbox.scenario("bob", FAILS);
    let outcome = own(&sandbox, &["run", "--failed"]);
    outcome.assert_code(2).assert_complains(&["no run of them is remembered; run them without --failed first"]);
    own(&sandbox, &["run"]).assert_code(1).assert_shows(&["1 passed, 1 failed"]);
    // A run of another says nothing about it.
    own(&sandbox, &["run", "alice"]).assert_code(0);
    own(&sandbox, &["run", "--failed"]).assert_code(1).assert_shows(&["FAIL  process::bob", "Summary 1 trial"]);
    sandbox.scenario("bob", STEPS);
    own(&sandbox, &["run", "--failed"]).assert_code(0).assert_shows(&["PASS  process::bob", "Summary 1 trial"]);
    let json = sandbox.path("report.json");
    let outcome = own(&sandbox, &["run", "--failed", "--json", json.to_str().unwrap()]);
    outcome.assert_code(0).assert_complains(&["no selected trial failed when it last ran"]);
    assert_agrees("run-report", &fs::read_to_string(json).unwrap());
}

/// Each line says whose it is, and standard output has results only.
#[test]
fn the_output_of_components_is_shown_live() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("own", STEPS);
    let outcome = own(&sandbox, &["run", "--logs"]);
    outcome.assert_code(0).assert_shows(&["PASS  process::own"]);
    outcome.assert_complains(&["process::own aggregator | ", "process::own executor/operator | ", "task observed"]);
    assert!(!outcome.stdout.contains(" | "), "{}", outcome.stdout);
    let foreign: Vec<_> = outcome.stderr.lines().filter(|line| !line.starts_with("process::own ")).collect();
    assert_eq!(foreign, [""; 0], "lines without a trial");
    let quiet = own(&sandbox, &["run"]);
    assert!(!quiet.stderr.contains(" | "), "{}", quiet.stderr);
}

/// The scenarios of the executable need no files.
#[test]
fn the_scenarios_of_the_executable_are_run_anywhere() {
    let sandbox = Sandbox::new(HARNESS);
    // As without the variable, in a folder without scenarios.
    let harness = |arguments: &[&str]| run(sandbox.harness(arguments).env_remove("HARNESS_SCENARIOS"));
    let outcome = harness(&["run", "--builtin", "square", "--keep", "always"]);
    outcome.assert_code(0).assert_shows(&["PASS  process::square"]);
    let folder = sandbox.run_folders().remove(0);
    let kept = fs::read_to_string(folder.join("scenario.yaml")).unwrap();
    assert!(kept.contains("name: square"), "{kept}");
    harness(&["gc", folder.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    let failing = ["run", "--builtin", "empty_payload", "--set", "payload=x"];
    let outcome = harness(&failing);
    outcome.assert_code(1).assert_shows(&[
        " at builtin:/empty_payload.yaml:",
        "harness run --set payload=x --builtin process::empty_payload",
    ]);
    let outcome = harness(&["scenario", "list", "--builtin", "--runtime", "process"]);
    outcome.assert_code(0).assert_shows(&["process::square ", "process::burst_large "]);
    harness(&["lint", "--builtin"]).assert_code(0).assert_shows(&["scenario files: no problems"]);
    let outcome = harness(&["scenario", "plan", "--builtin", "square", "--runtime", "process"]);
    outcome.assert_code(0).assert_shows(&["(builtin:/square.yaml)"]);
    harness(&["run", "--builtin", "sqare"]).assert_code(2).assert_complains(&["did you mean `square`?"]);
    let outcome = harness(&["run", "--builtin", "--scenarios", ".", "square"]);
    outcome.assert_code(2).assert_complains(&["failed to use --builtin: --scenarios names a folder"]);
    // The embedded ones are those of the tree.
    let of_tree = sandbox.run(&["scenario", "list"]).stdout;
    assert_eq!(harness(&["scenario", "list", "--builtin"]).stdout, of_tree);
}

/// What editors show is shown on a terminal, with a sentence that names what was probably meant.
#[test]
fn topics_are_explained() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["explain", "kill"]);
    outcome.assert_code(0).assert_shows(&["steps.kill: mapping", "kill: {component: ", "at builtin:/", "required; "]);
    sandbox.run(&["explain", "topology.threshold"]).assert_code(0).assert_shows(&["basis points", "6667"]);
    sandbox.run(&["explain", "3"]).assert_code(0).assert_shows(&["exit code 3: environment"]);
    sandbox.run(&["explain"]).assert_code(0).assert_shows(&["  create_task ", "  topology ", "  130 "]);
    sandbox.run(&["explain", "kil"]).assert_code(2).assert_complains(&["did you mean `kill`?"]);
}

/// The shell that is there reads what is made for it.
#[test]
fn completions_are_read_by_bash() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["completions", "bash"]);
    let script = sandbox.file("completions.bash", &outcome.stdout);
    let check = "source \"$1\" && COMP_WORDS=(harness run --fail) COMP_CWORD=2 && _harness harness --fail run && echo \"${COMPREPLY[@]}\"";
    let outcome = run(sandbox.command("bash").args(["-c", check, "bash"]).arg(&script));
    outcome.assert_code(0).assert_shows(&["--fail-fast", "--failed"]);
    let outcome = sandbox.run(&["completions", "basic"]);
    outcome.assert_code(2).assert_complains(&["bash", "zsh"]);
}

/// Another repository has the schema of its version where its editor line says.
#[test]
fn a_schema_is_written_where_an_editor_finds_it() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["schema", "scenario", "--output", "scenario.schema.json"]).assert_code(0);
    let written = fs::read_to_string(sandbox.path("scenario.schema.json")).unwrap();
    assert!(written.contains("\"$id\": \"https://"), "{}", &written[..200]);
    sandbox.run(&["schema", "scenario", "--check", "scenario.schema.json"]).assert_code(0);
}
