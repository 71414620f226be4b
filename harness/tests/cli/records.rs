//! The harness's records of its own work: on standard error if requested, and always in each trial's folder.

use std::{collections::BTreeSet, fs, path::Path};

use hourglass_component::text::is_harmful;
use hourglass_test_support::{Outcome, Sandbox, run};
use serde_json::Value;

use crate::{HARNESS, keep::only_folder};

/// A scenario with its own operator, whose task has this result.
fn scenario(sandbox: &Sandbox, name: &str, operator: &str, result: &str) -> std::path::PathBuf {
    let text = format!(
        "topology: {{operators: [{{name: {operator}}}]}}\nsteps:\n  - create_task: {{payload: \"0x04\"}}\n  \
         - expect_verified: {{result: \"{result}\"}}\n"
    );
    sandbox.scenario(name, &text)
}

fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("harness.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The components that the spans of records name.
fn components(records: &[Value]) -> BTreeSet<String> {
    let spans = records.iter().flat_map(|record| record["spans"].as_array().unwrap());
    let components = spans.filter(|span| span["span"] == "component");
    components.map(|span| span["name"].as_str().unwrap().to_owned()).collect()
}

/// A report without its times.
fn without_times(outcome: &Outcome) -> String {
    let is_time = |word: &&str| word.parse::<f64>().is_err();
    let lines =
        outcome.stdout.lines().map(|line| line.split_whitespace().filter(is_time).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn records_are_shown_on_standard_error_and_only_if_asked_for() {
    let sandbox = Sandbox::new(HARNESS);
    let quiet = sandbox.run(&["run", "square"]);
    quiet.assert_code(0);
    assert_eq!(quiet.stderr, "");
    let named = run(sandbox.harness(&["run", "square"]).env("RUST_LOG", "hourglass_runner=info"));
    for outcome in [&sandbox.run(&["run", "-v", "square"]), &named] {
        outcome.assert_code(0).assert_complains(&[
            " INFO trial{name=process::square runtime=process run=r",
            "hourglass_runner",
            "starting chains",
            "phase is over",
            ":step{name=expect_verified place=",
            "verdict=\"passed\"",
        ]);
        assert_eq!(without_times(outcome), without_times(&quiet), "records changed the report");
        assert!(!outcome.stderr.contains("DEBUG"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains(is_harmful), "colours without a terminal: {}", outcome.stderr);
    }
    assert!(!named.stderr.contains("hourglass_runtime"), "the variable selects less: {}", named.stderr);
    sandbox.run(&["-vv", "run", "square"]).assert_code(0).assert_complains(&[
        ":component{name=aggregator}",
        "DEBUG",
        "supervisor started",
    ]);
}

/// The variable belongs to the harness: components use `HOURGLASS_LOG`, and their logs decide about trials.
#[test]
fn the_variable_of_the_harness_does_not_reach_the_logs_of_components() {
    let sandbox = Sandbox::new(HARNESS);
    let path = scenario(&sandbox, "wrong", "alice", "0x11");
    run(sandbox.harness(&["run"]).arg(&path).env("RUST_LOG", "off")).assert_code(1);
    let log = fs::read_to_string(only_folder(&sandbox).join("logs/executor-alice.log")).unwrap();
    assert!(log.contains("\"INFO\""), "{log}");
    run(sandbox.harness(&["component", "executor", "--config", "none.yaml"]).env("RUST_LOG", "nonsense["))
        .assert_code(2)
        .assert_complains(&["none.yaml"]);
    sandbox
        .run(&["component", "executor", "--config", "none.yaml", "-v"])
        .assert_code(2)
        .assert_complains(&["-v", "HOURGLASS_LOG"]);
}

#[test]
fn invalid_selection_of_records_is_refused() {
    let sandbox = Sandbox::new(HARNESS);
    let refused = run(sandbox.harness(&["run", "square"]).env("RUST_LOG", "info,nonsense["));
    refused.assert_code(2).assert_complains(&["RUST_LOG", "`nonsense[`"]);
    assert_eq!(refused.stdout, "");
    run(sandbox.harness(&["run", "square"]).env("RUST_LOG", "")).assert_code(0);
    sandbox.assert_nothing_left();
}

/// A user who looks into a failed trial must not read records of another trial that ran at the same time.
#[test]
fn the_folder_of_a_trial_has_the_records_of_this_trial() {
    let sandbox = Sandbox::new(HARNESS);
    let paths = [scenario(&sandbox, "one", "alice", "0x11"), scenario(&sandbox, "other", "bob", "0x12")];
    let outcome = run(sandbox.harness(&["run", "--jobs", "2"]).args(&paths));
    outcome.assert_code(1).assert_shows(&["0 passed, 2 failed", "(index.md, timeline.jsonl, scenario.yaml, logs)"]);
    assert_eq!(outcome.stderr, "");
    let folders = sandbox.run_folders();
    assert_eq!(folders.len(), 2, "{folders:?}");
    for folder in folders {
        let trial = fs::read_to_string(folder.join("trial")).unwrap();
        let operator = if trial.trim() == "process::one" { "alice" } else { "bob" };
        let records = records(&folder);
        let found = components(&records);
        let executor = format!("executor/{operator}");
        for component in ["aggregator", "chain-31337", "chain-31338", &executor] {
            assert!(found.contains(component), "{component} is not among {found:?}");
        }
        assert_eq!(found.iter().filter(|name| name.starts_with("executor/")).count(), 1, "{found:?}");
        let run = folder.file_name().unwrap().to_str().unwrap();
        for record in &records {
            assert_eq!(record["spans"][0]["name"], trial.trim(), "{record}");
            assert_eq!(record["spans"][0]["run"], run, "{record}");
        }
        let said = |message: &str| records.iter().any(|record| record["message"].as_str().unwrap().contains(message));
        for message in
            ["supervisor started", "chain is ready", "component is ready", "step is over", "swept", "trial is over"]
        {
            assert!(said(message), "no record says {message:?}");
        }
    }
}
