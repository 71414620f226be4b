//! Ends of trials for any reason: only what was asked for runs afterwards.

use std::path::PathBuf;

use hourglass_test_support::run;
use rustix::process::Signal;

use crate::{
    cluster_trial::{ClusterTrial, LONG, SQUARE},
    usage::{BUSY, assert_every_component_is_reported},
};

pub(crate) fn trial_that_passes_leaves_nothing() {
    let test = ClusterTrial::new();
    test.run(SQUARE).assert_code(0).assert_shows(&["1 passed"]);
    test.assert_nothing_runs();
    assert_eq!(test.sandbox.run_folders(), [""; 0].map(PathBuf::from), "the folder of a trial that passed is left");
}

pub(crate) fn a_report_has_what_each_component_used() {
    let test = ClusterTrial::new();
    let json = test.sandbox.path("report.json");
    run(test.harness(&test.scenario(BUSY)).arg("--json").arg(&json)).assert_code(0);
    assert_eq!(assert_every_component_is_reported(&json), ["control plane"]);
}

/// Docker gives the same, which its test compares with the same numbers.
pub(crate) fn limits_are_the_defaults_or_those_of_the_scenario() {
    let test = ClusterTrial::new();
    let limits =
        "components: {aggregator: {memory: 100MiB}, performer: {cpus: 0.5, environment: {TASK_DELAY_MS: 600000}}}\n";
    let steps = &LONG[LONG.find("steps:").unwrap()..];
    let harness = test.start(&format!("{limits}{steps}"), "logs/executor-operator.log", "performer_started");
    let seen = test.limits();
    harness.signal_group(Signal::INT);
    harness.finish();
    let [aggregator, executor, performer] = seen.try_into().unwrap();
    assert_eq!(aggregator, ("100Mi".to_owned(), "2".to_owned(), "10m".to_owned(), "32Mi".to_owned()));
    assert_eq!(executor, ("512Mi".to_owned(), "2".to_owned(), "10m".to_owned(), "32Mi".to_owned()));
    assert_eq!(performer, ("512Mi".to_owned(), "500m".to_owned(), "10m".to_owned(), "32Mi".to_owned()));
    test.assert_swept();
}

pub(crate) fn a_signal_during_the_steps_ends_the_trial_in_order() {
    let test = ClusterTrial::new();
    let harness = test.start(LONG, "logs/executor-operator.log", "performer_started");
    // The whole group, as a terminal does.
    harness.signal_group(Signal::INT);
    harness.finish().assert_code(130).assert_shows(&["1 interrupted"]);
    // Pods take longer to end than an interruption allows; the supervisor continues.
    test.assert_swept();
}

/// Only the supervisor, which knows the run and the cluster, is left to end anything.
pub(crate) fn a_killed_harness_leaves_nothing() {
    let test = ClusterTrial::new();
    let harness = test.start(LONG, "logs/executor-operator.log", "performer_started");
    harness.signal_group(Signal::KILL);
    harness.finish();
    test.assert_swept();
}

/// The pod of a killed executor has a finalizer, which would keep the namespace forever.
pub(crate) fn killed_harness_leaves_nothing_of_a_killed_executor() {
    let test = ClusterTrial::new();
    let down = "steps:\n  - kill: {component: executor/operator}\n  - create_task: {payload: \"0x04\"}\n  - \
                expect_verified: {within: 10m}\n";
    let harness = test.start(down, "logs/aggregator.log", "task_observed");
    harness.signal_group(Signal::KILL);
    harness.finish();
    test.assert_swept();
}

/// Ends that nobody in the cluster has asked for: somebody deletes a pod, or kills a chain.
pub(crate) fn a_pod_that_is_deleted_by_others_fails_the_trial() {
    let test = ClusterTrial::new();
    let harness = test.start(LONG, "logs/executor-operator.log", "performer_started");
    test.delete_pod("aggregator-");
    harness
        .finish()
        .assert_code(1)
        .assert_shows(&["invariant: aggregator keeps running", "deletion of pod aggregator-"]);
    test.assert_nothing_runs();
}

pub(crate) fn a_chain_that_is_killed_fails_the_environment() {
    let test = ClusterTrial::new();
    let harness = test.start(LONG, "logs/executor-operator.log", "performer_started");
    test.kill_container("chain-31338");
    harness.finish().assert_code(3).assert_shows(&["chain 31338 ended with exit code 137"]);
    test.assert_nothing_runs();
}

pub(crate) fn kept_trial_runs_until_gc_ends_it() {
    let test = ClusterTrial::new();
    let outcome = run(test.harness(&test.scenario(SQUARE)).args(["--keep", "always"]));
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    outcome.assert_code(0).assert_shows(&[
        "aggregator",
        "executor/operator",
        "namespace",
        &format!("harness gc {name}"),
    ]);
    let kept = test.in_cluster();
    assert!(kept.iter().any(|pod| pod == "executor-0"), "it was asked to be kept: {kept:?}");
    run(&mut test.command(&["gc", name])).assert_code(0).assert_shows(&[name, "namespace"]);
    test.assert_swept();
}
