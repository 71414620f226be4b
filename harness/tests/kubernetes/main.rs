//! The objects that the harness installs in clusters beside trials: Helm releases and the operator, also in existing
//! clusters. These tests share a cluster of their own, one at a time: no trial would survive what they do to the
//! operator.
//!
//! They are listed as ignored unless `HARNESS_REQUIRE` names `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "which fault is under test is said")]

mod existing;
mod faulty_operators;
mod given_namespace;
mod helm;
#[path = "../support/http_proxy.rs"]
mod http_proxy;
mod operator;
mod operator_cluster;
mod refused;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    let tests = tests![
        helm::release_is_installed_upgraded_rolled_back_and_removed,
        helm::values_against_the_schema_are_named_and_nothing_is_installed,
        operator::operator_is_installed_once_and_then_found,
        operator::scaled_down_operator_is_restored,
        operator::operator_in_use_is_not_replaced,
        operator::a_killed_installation_is_taken_over,
        refused::an_image_that_no_node_has_is_named_within_seconds,
        refused::foreign_operator_is_left_alone,
        refused::foreign_definition_is_left_alone,
        refused::foreign_namespace_is_left_alone,
        existing::operator_is_installed_and_removed_with_its_users,
        existing::existing_operator_is_used_if_requested,
        existing::run_leaves_an_existing_cluster_unchanged,
        existing::run_leaves_an_existing_operator_unchanged,
        existing::faults_without_node_access_work_in_existing_clusters,
        existing::scenarios_that_need_node_access_are_skipped_at_the_start,
        existing::missing_rights_are_listed_before_anything_is_created,
        existing::lost_api_server_is_noticed,
        existing::a_cluster_is_reached_through_the_proxy_of_its_kubeconfig,
        given_namespace::trials_leave_a_given_namespace_as_it_was,
        given_namespace::a_given_namespace_with_workloads_of_others_is_refused,
        given_namespace::missing_rights_in_a_given_namespace_are_listed,
        given_namespace::a_given_namespace_has_one_trial_at_a_time,
    ];
    // Each takes minutes: one trial for every fault. They run with `--ignored`, as in the nightly run.
    let nightly = tests![faulty_operators::each_operator_fault_breaks_its_own_promise];
    TestTarget::from_args().tests_with(&Requirement::kubernetes(), tests).ignored_tests(nightly).run()
}
