//! Components that do not become ready: their last output is reported, and nothing of them is left.

use std::fs;

use hourglass_test_support::Outcome;
use rustix::process::Signal;

use crate::docker_trial::{DockerTrial, LONG, NEVER_READY, SQUARE};

/// Ends with exit code 2 and says why.
const ENDS_AT_ONCE: &[&str] = &["/harness", "component", "no-such-component"];

pub(crate) fn executor_that_ends_at_once_is_reported_with_its_output() {
    ends_at_once("executor", "executor/operator", "executor-operator.log");
}

pub(crate) fn aggregator_that_ends_at_once_is_reported_with_its_output() {
    ends_at_once("aggregator", "aggregator", "aggregator.log");
}

#[track_caller]
fn ends_at_once(component: &str, name: &str, log: &str) {
    let test = DockerTrial::new();
    let image = test.image(component, ENDS_AT_ONCE);
    let outcome = test.run(&format!("components: {{{component}: {{image: '{image}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[
        &format!("start of {name}\n"),
        &format!("{name} ended before it was ready: exit code 2; its last output:"),
        "no-such-component",
        "read the component's output above",
    ]);
    assert_log(&test, &outcome, log, "no-such-component");
    test.assert_nothing_runs();
}

/// Its executor starts it and reports the failure.
pub(crate) fn performer_that_ends_at_once_is_reported_with_its_output() {
    let test = DockerTrial::new();
    let image = test.image("performer", ENDS_AT_ONCE);
    let outcome = test.run(&format!("components: {{performer: {{image: '{image}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[
        "start of performer/operator\n",
        "performer/operator is not ready: it ended with exit status: 2; its last output:\n",
        "no-such-component",
        "read the component's output above",
    ]);
    assert_log(&test, &outcome, "performer-operator.log", "no-such-component");
    test.assert_nothing_runs();
}

/// Kubernetes gives the same, which its test compares with the same numbers.
pub(crate) fn limits_are_the_defaults_or_those_of_the_scenario() {
    let test = DockerTrial::new();
    let limits =
        "components: {aggregator: {memory: 100MiB}, performer: {cpus: 0.5, environment: {TASK_DELAY_MS: 600000}}}\n";
    let steps = &LONG[LONG.find("steps:").unwrap()..];
    let harness = test.start_task(&mut test.harness(&test.scenario(&format!("{limits}{steps}"))));
    let seen = test.limits();
    harness.signal_group(Signal::INT);
    harness.finish();
    let mebibytes = |component: &str, mebibytes: i64, cpus: f64| (component.to_owned(), mebibytes, cpus);
    let expected = [
        mebibytes("aggregator", 100, 2.0),
        mebibytes("chain-31337", 2048, 2.0),
        mebibytes("chain-31338", 2048, 2.0),
        mebibytes("executor/operator", 512, 2.0),
        mebibytes("performer/operator", 512, 0.5),
    ];
    assert_eq!(seen, expected);
    test.assert_swept();
}

/// The executor gives up first, by default after a minute, and the harness after it.
pub(crate) fn wait_for_an_unhealthy_performer_ends() {
    let test = DockerTrial::new();
    let outcome = test.run(NEVER_READY);
    outcome.assert_code(1).assert_shows(&[
        "start of performer/operator\n",
        "performer/operator is not ready: it was not healthy within 60s; last seen: NOT_SERVING",
        "read the component's output above",
    ]);
    test.assert_nothing_runs();
}

/// Asserts that a log was kept, where the report says.
#[track_caller]
fn assert_log(test: &DockerTrial, outcome: &Outcome, log: &str, expected: &str) {
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    outcome.assert_shows(&[&folder.display().to_string()]);
    let content = fs::read_to_string(folder.join("logs").join(log)).unwrap();
    assert!(content.contains(expected), "{log} holds {content:?}");
}
