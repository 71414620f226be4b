//! Archives of trials in a cluster: the first page names the fault, by what the cluster says about itself.

use hourglass_harness::cache::cache_folder;
use hourglass_test_support::run;

use crate::{
    archive::{Archive, keys},
    cluster_trial::ClusterTrial,
};

/// A task that must be verified soon.
const TASK: &str = "  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\", within: 20s}\n";

/// Asserts that a trial with these faults fails, that the first page of its archive has these parts, and that the trial
/// passes without the faults.
#[track_caller]
fn assert_named(faults: &str, parts: &[&str]) {
    let test = ClusterTrial::new();
    let scenario = test.scenario(&format!("steps:\n{faults}{TASK}"));
    let outcome = run(test.harness(&scenario).args(["--bundle", "failures"]));
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.stdout);
    let archive = Archive::in_folder(&test.sandbox.path("failures"));
    archive.assert_without(&keys(&cache_folder().unwrap(), &["operator"]));
    assert!(!archive.text("logs/performer-operator.log").is_empty(), "the performer's own output is missing");
    assert!(archive.text("timeline.jsonl").contains("images_ms"), "the delivery of images has no duration");
    let page = archive.first_page();
    for part in parts {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    test.run(&format!("steps:\n{TASK}")).assert_code(0);
    test.assert_nothing_runs();
}

pub(crate) fn the_first_page_names_an_exhausted_quota() {
    let faults = "  - set_pod_quota: {pods: 0}\n  - delete_pod: {component: performer/operator}\n";
    assert_named(faults, &["## What the cluster says\n", "quota ", "used up: pods ", "exceeded quota"]);
}

pub(crate) fn the_first_page_names_a_network_policy() {
    let faults = "  - partition: {from: executor/operator, to: performer/operator}\n";
    assert_named(faults, &["## What the cluster says\n", "network policy ", "restricts ingress"]);
}

/// The executor that is started again asks for a performer that nobody makes.
pub(crate) fn the_first_page_names_an_operator_that_is_away() {
    let faults = "  - scale_cluster_operator: {replicas: 0, within: 30s}\n  \
                  - restart: {component: executor/operator, within: 30s}\n";
    assert_named(faults, &["## What the cluster says\n", "hourglass-operator: scaled to 0 replicas"]);
}
