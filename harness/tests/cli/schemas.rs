//! The JSON output of the command agrees with the committed schemas.

use std::{fs, path::Path};

use hourglass_test_support::{Sandbox, run};
use serde_json::Value;

use crate::HARNESS;

/// A plan of every scenario, with all kinds of steps, and each list.
#[rstest::rstest]
#[case::scenario_list("scenario-list", &["scenario", "list", "--runtime", "process,docker,kubernetes"])]
#[case::scenario_plan("scenario-plan", &["scenario", "plan", "--runtime", "process,docker,kubernetes"])]
#[case::cluster_list("cluster-list", &["cluster", "list"])]
#[case::doctor("doctor", &["doctor", "--runtime", "process"])]
fn json_output_agrees_with_its_schema(#[case] document: &str, #[case] command: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&[command, &["--format", "json"]].concat());
    outcome.assert_code(0);
    assert_agrees(document, &outcome.stdout);
}

/// A run with a trial of each kind, the list of its kept trials, and their timelines.
#[test]
fn run_documents_agree_with_their_schemas() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
    let good = sandbox.scenario("good", steps);
    let bad = sandbox.scenario("bad", &steps.replace("0x10", "0x11"));
    let json = sandbox.path("report.json");
    let outcome = run(sandbox.harness(&["run", "--keep", "always", "--json"]).arg(&json).args([&good, &bad]));
    outcome.assert_code(1);
    assert_agrees("run-report", &fs::read_to_string(json).unwrap());

    let listed = sandbox.run(&["runs", "list", "--format", "json"]);
    assert_agrees("run-list", &listed.stdout);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert!(listed["runs"].as_array().is_some_and(|runs| runs.len() >= 2), "a run is missing: {listed:#}");

    for folder in sandbox.run_folders() {
        assert_agrees("trial-report", &fs::read_to_string(folder.join("trial.json")).unwrap());
        let timeline = fs::read_to_string(folder.join("timeline.jsonl")).unwrap();
        assert!(timeline.lines().count() > 10, "{timeline}");
        timeline.lines().for_each(|line| assert_agrees("timeline-record", line));
        sandbox.run(&["gc", folder.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    }
    sandbox.assert_nothing_left();
}

#[test]
fn a_comparison_agrees_with_its_schema() {
    let sandbox = Sandbox::new(HARNESS);
    let words = ["compare", "--runtimes", "process,process", "--runs", "1", "--warm-up", "0", "--json", "-"];
    let gate = ["--gate", "verified.median process <= 10s"];
    let outcome = run(sandbox.harness(&words).args(gate).arg(hourglass_test_support::scenarios().join("square.yaml")));
    outcome.assert_code(0);
    assert_agrees("compare-report", &outcome.stdout);
}

pub(crate) fn assert_agrees(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(document).with_extension("json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    if let Err(error) = jsonschema::validate(&schema, &value) {
        panic!("{document}{}: {error}", error.instance_path());
    }
}
