//! Reports for machines, and trials side by side.

use std::fs;

use crate::sandbox::{Sandbox, run};

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn junit_and_json_tell_of_every_trial() {
    let sandbox = Sandbox::new();
    let good = sandbox.scenario("good", STEPS);
    let bad = sandbox.scenario("bad", &STEPS.replace("0x10", "0x11"));
    let kill = "  - kill: {component: aggregator}\n";
    let broken = sandbox.scenario("broken", &STEPS.replace("steps:\n", &format!("steps:\n{kill}{kill}")));
    let (junit, json) = (sandbox.path("reports/junit.xml"), sandbox.path("report.json"));
    let outcome =
        run(sandbox.harness(&["run", "--junit"]).arg(&junit).arg("--json").arg(&json).args([&good, &bad, &broken]));
    outcome.assert_code(1);

    let junit = fs::read_to_string(junit).unwrap();
    let count = |text: &str| junit.matches(text).count();
    assert_eq!((count("<testcase "), count("<failure"), count("<error")), (3, 1, 1), "{junit}");
    for name in ["good", "bad", "broken"] {
        assert!(junit.contains(&format!("name=\"process::{name}\"")), "{name} is missing in {junit}");
    }
    assert!(junit.contains("tests=\"3\"") && junit.contains("bad.yaml:"), "{junit}");
    // What viewers show of a failure is this text, and it is all that is needed.
    let failure = junit.split("<failure").nth(1).and_then(|rest| rest.split("</failure>").next()).unwrap();
    for part in ["expected  result", "seen      result", "timeline", "TaskVerified", "again     harness run"] {
        assert!(failure.contains(part), "{part} is missing in {failure}");
    }

    let json: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!((&json["exit_code"], &json["summary"]["environment_failed"]), (&1.into(), &1.into()));
    let outcomes = ["good", "bad", "broken"].map(|name| {
        let trials = json["trials"].as_array().unwrap();
        let trial = trials.iter().find(|trial| trial["trial"] == format!("process::{name}")).unwrap();
        trial["verdict"]["outcome"].as_str().unwrap().to_owned()
    });
    assert_eq!(outcomes, ["passed", "failed", "environment_failed"]);
    let task = json.pointer("/trials/0/tasks/0").unwrap();
    assert!(task["phases"].as_object().is_some_and(|phases| phases.len() >= 8), "phases are missing: {task}");
}

/// A report that cannot be written is no pass: a pipeline would read the one of yesterday.
#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("file", "");
    let outcome = run(sandbox.harness(&["run", "square", "--junit"]).arg(file.join("junit.xml")));
    outcome.assert_code(3).assert_shows(&["PASS"]).assert_complains(&["junit.xml"]);
    sandbox.assert_nothing_left();
}

#[rstest::rstest]
#[case::one_after_the_other("1")]
#[case::side_by_side("4")]
fn trials_do_not_disturb_each_other(#[case] jobs: &str) {
    let sandbox = Sandbox::new();
    let names = ["one", "two", "three", "four"];
    let paths = names.map(|name| sandbox.scenario(name, STEPS));
    let json = sandbox.path("report.json");
    let outcome = run(sandbox.harness(&["run", "--jobs", jobs, "--json"]).arg(&json).args(paths));
    outcome.assert_code(0).assert_shows(&["4 passed"]);
    sandbox.assert_nothing_left();

    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let mut spans: Vec<(jiff::Timestamp, f64)> = report["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| (trial["started"].as_str().unwrap().parse().unwrap(), trial["duration_ms"].as_f64().unwrap()))
        .collect();
    spans.sort_by_key(|(start, _)| *start);
    let overlap = spans.windows(2).any(|pair| {
        let apart = (pair[1].0 - pair[0].0).total(jiff::Unit::Millisecond).unwrap();
        // Clock readings are rounded.
        apart + 1.0 < pair[0].1
    });
    assert_eq!(overlap, jobs != "1", "--jobs {jobs} is not what happened: {spans:?}");
}
