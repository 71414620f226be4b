//! The operator against a real API server, in a cluster of its own.
//!
//! That costs seconds and hundreds of megabytes: the tests are listed as ignored unless `HARNESS_REQUIRE` names
//! `kubernetes`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::panic, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "times are said so that they can be compared")]

mod api;
mod causes;
mod controller;
mod desired;
mod election;
mod ended;
mod figures;
mod many_performers;
mod operator_namespace;
mod operator_test;
mod orphan_pods;
mod outage;
mod process;
mod rights;
mod validation;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    let tests = tests![
        api::the_definition_is_established_and_structural,
        api::manifests_for_the_public_operator_apply_unchanged,
        api::no_field_of_the_examples_is_lost,
        api::defaults_stand_where_they_are_meant,
        api::a_status_is_written_and_its_phases_are_those_of_the_api,
        validation::invalid_performers_are_refused_with_the_reason,
        validation::the_longest_names_and_lists_are_taken,
        validation::the_avs_cannot_be_changed,
        desired::objects_are_taken_and_applied_once,
        desired::pods_are_taken_where_only_restricted_ones_are,
        controller::a_performer_runs_and_its_status_says_where,
        controller::reconcile_of_a_current_performer_writes_nothing,
        controller::every_field_replaces_the_pod_and_the_service_keeps_an_endpoint,
        controller::a_performer_that_is_deleted_drains_and_is_gone,
        controller::a_drain_that_takes_too_long_is_ended_and_said,
        controller::another_performer_of_the_same_name_takes_over_when_the_one_before_is_gone,
        controller::an_operator_that_was_killed_goes_on_where_it_was,
        many_performers::a_look_at_one_is_quick,
        causes::stuck_pods_are_explained_within_a_second,
        causes::an_exhausted_quota_is_explained_within_a_second,
        orphan_pods::pods_of_the_public_operator_give_way_to_ours,
        orphan_pods::pods_of_the_public_operator_end_with_their_performer,
        ended::one_that_has_ended_is_not_left_to_its_kubelet,
        rights::granted_rights_are_exactly_those_that_are_used,
        rights::a_right_that_is_missing_is_said,
        election::one_leads_and_another_takes_over_when_it_dies,
        election::a_leader_that_lost_its_lease_ends,
        election::an_operator_that_is_ended_finishes_what_it_began,
        outage::an_api_server_that_is_lost_is_said_and_found_again,
        outage::a_leader_that_cannot_renew_its_lease_ends,
        outage::an_operator_waits_for_an_api_server_that_is_not_there_yet,
    ];
    let figures = tests![
        figures::one_performer_after_the_other,
        figures::twenty_performers_at_once,
        figures::reconciles_with_a_hundred_performers,
    ];
    let target = TestTarget::from_args().prefix("kubernetes::");
    let code = target.tests_with(&Requirement::kubernetes(), tests).ignored_tests(figures).run();
    operator_namespace::tear_down();
    code
}
