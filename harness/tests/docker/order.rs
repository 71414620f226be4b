//! Orderly ends, for any reason: only what was asked for is left.

use hourglass_test_support::{Running, run};
use rustix::process::Signal;

use crate::{
    docker_trial::{DockerTrial, LONG, NEVER_READY, SQUARE},
    usage::{BUSY, assert_every_component_is_reported},
};

pub(crate) fn trial_that_passes_leaves_nothing() {
    let test = DockerTrial::new();
    test.run(SQUARE).assert_code(0).assert_shows(&["1 passed"]);
    test.assert_nothing_begun();
}

pub(crate) fn a_report_has_what_each_component_used() {
    let test = DockerTrial::new();
    let json = test.sandbox.path("report.json");
    run(test.harness(&test.scenario(BUSY)).arg("--json").arg(&json)).assert_code(0);
    let surroundings = assert_every_component_is_reported(&json);
    // An engine may be in another machine or have other names for its processes.
    assert!(surroundings.iter().all(|name| name == "engine"), "{surroundings:?}");
}

/// Two users, or two jobs of a pipeline, on one engine.
pub(crate) fn runs_of_one_scenario_do_not_affect_each_other() {
    let test = DockerTrial::new();
    let scenario = test.scenario(SQUARE);
    let both = [(); 2].map(|()| Running::start(&mut test.harness(&scenario)));
    for harness in both {
        harness.finish().assert_code(0).assert_shows(&["1 passed"]);
    }
    test.assert_nothing_begun();
}

pub(crate) fn a_signal_during_the_steps_ends_the_trial_in_order() {
    let test = DockerTrial::new();
    let harness = test.start_task(&mut test.harness(&test.scenario(LONG)));
    // The whole group, as a terminal does.
    harness.signal_group(Signal::INT);
    let outcome = harness.finish();
    outcome.assert_code(130).assert_shows(&["interrupted before its end", "1 interrupted"]);
    // The supervisor removes what takes longer than an interruption allows.
    test.assert_swept();
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    assert!(folder.join("timeline.jsonl").is_file(), "what was seen until then is lost");
}

/// At that moment the chains are starting, or the executor, which waits for its performer.
pub(crate) fn signal_during_start_up_ends_the_environment_in_order() {
    for log in ["chain-31337.log", "performer-operator.log"] {
        let test = DockerTrial::new();
        let harness = Running::start(&mut test.harness(&test.scenario(NEVER_READY)));
        test.sandbox.wait_for_log(log, "");
        harness.signal(Signal::INT);
        harness.finish().assert_code(130).assert_shows(&["1 interrupted"]);
        test.assert_swept();
    }
}

pub(crate) fn kept_trial_runs_until_gc_ends_it() {
    let test = DockerTrial::new();
    let scenario = test.scenario(SQUARE);
    let outcome = run(test.harness(&scenario).args(["--keep", "always"]));
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    outcome.assert_code(0).assert_shows(&["aggregator", "executor/operator", &format!("harness gc {name}")]);
    let all = ["aggregator", "chain-31337", "chain-31338", "executor/operator", "performer/operator"];
    assert_eq!(test.running(), all, "they were asked to be kept");

    let listed = test.sandbox.run(&["ps"]);
    listed.assert_code(0).assert_shows(&[name, "executor", "performer", "network"]);
    test.sandbox.run(&["gc", name]).assert_code(0).assert_shows(&[name, "network", "performer"]);
    test.assert_nothing_begun();
}
