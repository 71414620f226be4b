//! `harness compare`: interleaved trials of real processes, their figures, and gates.

use std::fs;

use hourglass_compare::{Comparison, Outcome};
use hourglass_test_support::{LIMIT, Running, Sandbox, eventually, run, scenarios};
use rustix::process::Signal;

use crate::HARNESS;

const SIDES: [&str; 2] = ["process", "process#2"];

fn of(json: &str) -> Comparison {
    Comparison::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// Each round has both sides, rounds that warm up come first, and nothing of them is in a figure.
#[test]
fn trials_run_in_turns_and_a_broken_gate_fails() {
    let sandbox = Sandbox::new(HARNESS);
    let square = scenarios().join("square.yaml");
    let words =
        ["compare", "--runtimes", "process,process", "--runs", "3", "--warm-up", "1", "--seed", "7", "--json", "-"];
    let gates = ["--gate", "verified.median process <= 10s", "--gate", "verified.p95 process#2/process <= 0.001"];
    let outcome = run(sandbox.harness(&words).args(gates).arg(&square));
    outcome.assert_code(1).assert_complains(&[
        "8 trials, in the order of seed 7",
        "warm-up 1 of 1: square on process",
        "run 3 of 3: square on process#2",
        "GATE BROKEN  verified.p95 process#2/process <= 0.001",
        "gate held    verified.median process <= 10s",
        "1 more to warm up were discarded",
    ]);
    sandbox.assert_nothing_left();

    let comparison = of(&outcome.stdout);
    assert_eq!((comparison.seed, comparison.runs, &comparison.outcome), (7, 3, &Outcome::Complete));
    let rounds: Vec<_> = comparison.samples.iter().map(|sample| (sample.warm_up, sample.round)).collect();
    let expected = [(true, 1), (true, 1), (false, 1), (false, 1), (false, 2), (false, 2), (false, 3), (false, 3)];
    assert_eq!(rounds, expected);
    for round in comparison.samples.chunks(2) {
        let mut sides = [&*round[0].side, &*round[1].side];
        sides.sort_unstable();
        assert_eq!(sides, SIDES, "a round has both sides once");
    }
    // Three rounds are balanced as far as they can be.
    let first = |side: &str| comparison.samples[2..].chunks(2).filter(|round| round[0].side == side).count();
    assert_eq!(SIDES.map(first).iter().max(), Some(&2));

    let verified = comparison.metric("square", "verified").unwrap();
    assert_eq!((verified.primary, &verified.rounds[..]), (true, &[1, 2, 3][..]));
    for (figures, side) in verified.sides.iter().zip(SIDES) {
        assert!(figures.side == side && figures.samples.iter().all(|sample| *sample > 0.0), "{figures:?}");
    }
    for name in ["trial", "dispatched", "signed", "phase.chains", "phase.components", "performer_ready"] {
        let metric = comparison.metric("square", name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(metric.sides.iter().all(|figures| figures.samples.len() == 3), "{metric:?}");
    }
    let gas = comparison.metric("square", "gas").unwrap();
    let of_two = |gas: &f64| (42_000.0..10_000_000.0).contains(gas);
    assert!(gas.sides.iter().all(|figures| figures.samples.iter().all(of_two)), "two transactions take that: {gas:?}");
    let held: Vec<_> = comparison.gates.iter().map(|gate| gate.held).collect();
    assert_eq!(held, [true, false]);
    assert!(comparison.gates.iter().all(|gate| gate.figure.is_some() && gate.interval.is_some()));
}

/// The same seed gives the same order, and an earlier report is a baseline on the same kind of machine only.
#[test]
fn an_earlier_report_is_a_baseline_on_the_same_kind_of_machine() {
    let sandbox = Sandbox::new(HARNESS);
    let (square, json) = (scenarios().join("square.yaml"), sandbox.path("earlier.json"));
    let words = ["compare", "--runtimes", "process,process", "--runs", "2", "--warm-up", "0"];
    let outcome = run(sandbox.harness(&words).arg("--json").arg(&json).arg(&square));
    outcome.assert_code(0).assert_shows(&[
        "process#2 against process on ",
        "\nverified ",
        "process#2 p50",
        "2 runs of each",
    ]);
    let text = fs::read_to_string(&json).unwrap();
    let earlier = of(&text);

    let seed = earlier.seed.to_string();
    let gates = ["--gate", "verified.median process/baseline <= 1000", "--seed", &seed, "--json", "-", "--baseline"];
    let outcome = run(sandbox.harness(&words).args(gates).arg(&json).arg(&square));
    outcome.assert_code(0).assert_complains(&["gate held    verified.median process/baseline <= 1000"]);
    let order = |comparison: &Comparison| -> Vec<_> {
        comparison.samples.iter().map(|sample| (sample.side.clone(), sample.round)).collect()
    };
    assert_eq!(order(&of(&outcome.stdout)), order(&earlier));

    fs::write(&json, text.replace(&earlier.machine.model, "Another Processor")).unwrap();
    let outcome = run(sandbox.harness(&words).args(gates).arg(&json).arg(&square));
    outcome.assert_code(2).assert_complains(&["another kind of machine", "Another Processor"]);
    fs::write(&json, text.replacen("\"version\": 1", "\"version\": 2", 1)).unwrap();
    let outcome = run(sandbox.harness(&words).args(gates).arg(&json).arg(&square));
    outcome.assert_code(2).assert_complains(&["its version is 2"]);
}

/// What was asked for cannot be done: nothing is run.
#[rstest::rstest]
#[case::one_runtime(&["--runtimes", "process"], "and two are compared")]
#[case::three_runtimes(&["--runtimes", "process,docker,process"], "and two are compared")]
#[case::gate(&["--runtimes", "process,process", "--gate", "verified.p95 process#2/process =< 2"], "at character 32: expected `<=`")]
#[case::metric(&["--runtimes", "process,process", "--metric", "verifed"], "no metric has this name")]
#[case::baseline(&["--runtimes", "process,process", "--baseline", "earlier.json"], "--gate")]
#[case::no_runs(&["--runtimes", "process,process", "--runs", "0"], "it must be a whole number from 1 to 500")]
fn a_wrong_command_line_runs_nothing(#[case] words: &[&str], #[case] problem: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(sandbox.harness(&["compare"]).args(words).arg(scenarios().join("square.yaml")));
    outcome.assert_code(2).assert_complains(&[problem]);
    assert!(!sandbox.runs().exists(), "a trial was begun");
}

/// Its failure is shown as `harness run` shows it.
#[test]
fn a_trial_that_fails_ends_the_comparison() {
    let sandbox = Sandbox::new(HARNESS);
    let bad = sandbox
        .scenario("bad", "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x11\"}\n");
    let outcome = run(sandbox.harness(&["compare", "--runtimes", "process,process"]).arg(&bad));
    outcome.assert_code(1).assert_complains(&["expected  result", "seen      result", "again     harness run"]);
    outcome.assert_shows(&["ended early: process::bad did not pass"]);
    sandbox.assert_no_process();
}

/// What was measured until then is shown.
#[test]
fn an_interrupted_comparison_shows_what_there_is() {
    let sandbox = Sandbox::new(HARNESS);
    let json = sandbox.path("report.json");
    let mut command = sandbox.harness(&["compare", "--runtimes", "process,process", "--runs", "500", "--warm-up", "0"]);
    let harness = Running::start(command.arg("--json").arg(&json).arg(scenarios().join("square.yaml")));
    // The folder of a trial is there while it runs: the fifth one is of the third round.
    let mut seen = std::collections::BTreeSet::new();
    eventually(LIMIT, || {
        seen.extend(sandbox.run_folders());
        if seen.len() >= 5 { Ok(()) } else { Err("too few trials have begun") }
    })
    .unwrap();
    harness.signal_group(Signal::INT);
    let outcome = harness.finish();
    outcome.assert_code(130).assert_shows(&["ended early: interrupted", "verified"]);
    let comparison = of(&fs::read_to_string(&json).unwrap());
    assert!(
        comparison.outcome == Outcome::Interrupted && comparison.samples.len() >= 2,
        "{}",
        comparison.samples.len()
    );
    sandbox.assert_no_process();
}

/// The text names no scenario that nobody has named.
#[test]
fn a_default_that_is_not_there_is_told() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.scenario("one", "steps: [{create_task: {payload: a}}, {expect_verified: {}}]\n");
    let refused = sandbox.run(&["compare", "--runtimes", "process,process", "--scenarios", "own"]);
    refused.assert_code(2).assert_complains(&["none is named, and there is no `square`", "`--builtin`"]);
    assert!(!sandbox.runs().exists(), "a trial was begun");
}
