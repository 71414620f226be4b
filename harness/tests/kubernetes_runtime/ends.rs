//! Ends of trials, however they come about: nothing runs after them but what was asked for.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::{
    lab::{LONG, Lab, SQUARE},
    sandbox::run,
};

pub(crate) fn what_passes_leaves_nothing() {
    let lab = Lab::new();
    lab.run(SQUARE).assert_code(0).assert_shows(&["1 passed"]);
    lab.assert_nothing_runs();
    assert_eq!(lab.sandbox.run_folders(), [""; 0].map(PathBuf::from), "the folder of a trial that passed is left");
}

pub(crate) fn a_signal_during_the_steps_ends_the_trial_in_order() {
    let lab = Lab::new();
    let harness = lab.start(LONG, "logs/executor-operator.log", "performer_started");
    // The whole group, as a terminal does.
    harness.signal_group(Signal::INT);
    harness.finish().assert_code(130).assert_shows(&["1 interrupted"]);
    // Pods take longer to end than an interruption leaves; the supervisor goes on.
    lab.assert_swept();
}

/// Nobody is left then to end anything but the supervisor, which knows the run and the cluster.
pub(crate) fn a_killed_harness_leaves_nothing() {
    let lab = Lab::new();
    let harness = lab.start(LONG, "logs/executor-operator.log", "performer_started");
    harness.signal_group(Signal::KILL);
    harness.finish();
    lab.assert_swept();
}

/// The pod of a killed executor is held by a finalizer, which would keep the namespace for ever.
pub(crate) fn a_killed_harness_leaves_nothing_of_an_executor_that_is_down() {
    let lab = Lab::new();
    let down = "steps:\n  - kill: {component: executor/operator}\n  - create_task: {payload: \"0x04\"}\n  - \
                expect_verified: {within: 10m}\n";
    let harness = lab.start(down, "logs/aggregator.log", "task_observed");
    harness.signal_group(Signal::KILL);
    harness.finish();
    lab.assert_swept();
}

/// What nobody in the cluster has asked for either: pods that somebody deletes, a chain that somebody kills.
pub(crate) fn a_pod_that_is_deleted_by_others_fails_the_trial() {
    let lab = Lab::new();
    let harness = lab.start(LONG, "logs/executor-operator.log", "performer_started");
    lab.delete_pod("aggregator-");
    harness
        .finish()
        .assert_code(1)
        .assert_shows(&["invariant: aggregator keeps running", "deletion of pod aggregator-"]);
    lab.assert_nothing_runs();
}

pub(crate) fn a_chain_that_is_killed_fails_the_environment() {
    let lab = Lab::new();
    let harness = lab.start(LONG, "logs/executor-operator.log", "performer_started");
    lab.kill_container("chain-31338");
    harness.finish().assert_code(3).assert_shows(&["failed to keep chain 31338 running", "exit code 137"]);
    lab.assert_nothing_runs();
}

pub(crate) fn what_is_kept_runs_until_gc_ends_it() {
    let lab = Lab::new();
    let outcome = run(lab.harness(&lab.scenario(SQUARE)).args(["--keep", "always"]));
    let [folder] = lab.sandbox.run_folders().try_into().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    outcome.assert_code(0).assert_shows(&[
        "aggregator",
        "executor/operator",
        "namespace",
        &format!("harness gc {name}"),
    ]);
    let kept = lab.in_cluster();
    assert!(kept.iter().any(|pod| pod == "executor-0"), "it was asked to be kept: {kept:?}");
    run(&mut lab.command(&["gc", name])).assert_code(0).assert_shows(&[name, "namespace"]);
    lab.assert_swept();
}
