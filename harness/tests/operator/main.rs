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
        api::defaults_are_where_they_are_intended,
        api::a_status_is_written_and_its_phases_are_those_of_the_api,
        validation::invalid_performers_are_refused_with_the_reason,
        validation::longest_names_and_lists_are_accepted,
        validation::the_avs_cannot_be_changed,
        desired::objects_are_accepted_and_applied_once,
        desired::pods_are_admitted_by_restricted_pod_security,
        controller::running_performer_has_its_endpoint_in_the_status,
        controller::reconcile_of_a_current_performer_writes_nothing,
        controller::every_field_replaces_the_pod_and_the_service_keeps_an_endpoint,
        controller::a_performer_that_is_deleted_drains_and_is_gone,
        controller::drain_over_its_limit_is_ended_and_reported,
        controller::performer_with_a_reused_name_starts_after_the_previous_one_is_gone,
        controller::killed_operator_continues_after_its_restart,
        many_performers::reconcile_cost_does_not_grow_with_performers,
        causes::stuck_pods_are_explained_within_a_second,
        causes::an_exhausted_quota_is_explained_within_a_second,
        orphan_pods::pods_of_the_public_operator_are_replaced,
        orphan_pods::pods_of_the_public_operator_end_with_their_performer,
        ended::ended_pod_is_deleted_without_its_kubelet,
        rights::granted_rights_are_exactly_those_that_are_used,
        rights::missing_right_is_reported,
        election::standby_takes_over_when_the_leader_ends,
        election::leader_without_its_lease_ends,
        election::terminated_operator_finishes_its_reconciles,
        outage::lost_api_server_is_reported_and_found_again,
        outage::a_leader_that_cannot_renew_its_lease_ends,
        outage::operator_waits_for_a_missing_api_server,
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
