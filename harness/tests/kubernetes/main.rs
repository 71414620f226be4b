//! The objects that the harness installs in clusters beside trials: Helm releases and the operator, also in existing
//! clusters. These tests share a cluster of their own, one at a time: no trial would survive what they do to the
//! operator.
//!
//! They are listed as ignored unless `HARNESS_REQUIRE` names `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "which fault is under test is said")]

mod existing;
mod faulty_operators;
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
        helm::a_release_is_installed_changed_taken_back_and_removed,
        helm::values_that_a_schema_refuses_are_named_and_nothing_is_installed,
        operator::it_is_installed_once_and_then_found,
        operator::one_that_was_scaled_down_is_made_what_it_has_to_be,
        operator::one_that_is_used_is_not_replaced,
        operator::a_killed_installation_is_taken_over,
        refused::an_image_that_no_node_has_is_named_within_seconds,
        refused::an_operator_of_others_is_left_alone,
        refused::a_definition_of_others_is_left_alone,
        refused::a_namespace_of_others_is_left_alone,
        existing::the_operator_comes_and_goes_with_its_users,
        existing::the_operator_of_others_is_used_where_that_is_asked_for,
        existing::a_run_leaves_a_cluster_of_others_as_it_was,
        existing::a_run_leaves_the_operator_of_others_as_it_was,
        existing::faults_that_need_no_node_are_those_of_our_own_clusters,
        existing::scenarios_that_need_its_nodes_are_skipped_before_anything_is_made,
        existing::missing_rights_are_listed_before_anything_is_created,
        existing::an_api_server_that_goes_away_is_noticed,
        existing::a_cluster_is_reached_through_the_proxy_of_its_kubeconfig,
    ];
    // Each takes minutes: one trial for every fault. They run with `--ignored`, as in the nightly run.
    let nightly = tests![faulty_operators::each_fault_of_an_operator_breaks_its_own_promise];
    TestTarget::from_args().tests_with(&Requirement::kubernetes(), tests).ignored_tests(nightly).run()
}
