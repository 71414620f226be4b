//! Performers of an executor in a real cluster, with the operator of this repository, observed from outside. Every test
//! has a namespace of its own, which must hold no performer at its end.
//!
//! Like all tests with clusters they are listed as ignored unless `HARNESS_REQUIRE` names `kubernetes`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at what it did not expect")]

mod adoption;
mod api_proxy;
mod lifecycle;
mod objects;
mod outage;
mod performer_namespace;

use std::{env, process::ExitCode};

use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    // The same binary can be an executor that is killed.
    if env::var_os(adoption::ACT_AS_EXECUTOR).is_some() {
        hourglass_test_support::block_on(adoption::act_as_executor());
        return ExitCode::SUCCESS;
    }
    let tests = tests![
        performer_namespace::run =>
        objects::an_object_says_what_is_configured_and_whose_it_is,
        objects::a_value_of_a_config_map_reaches_the_performer,
        objects::a_value_reaches_the_performer_as_it_is_written,
        lifecycle::a_deployed_performer_runs_tasks_and_is_listed,
        lifecycle::a_deployment_replaces_drains_and_removes_the_one_before,
        lifecycle::an_image_that_is_not_there_is_named_and_leaves_the_old_one_in_service,
        lifecycle::one_that_never_gets_healthy_is_taken_away,
        lifecycle::a_killed_pod_comes_back_and_no_task_is_lost,
        lifecycle::a_performer_that_somebody_removes_comes_back,
        lifecycle::deployments_and_removals_at_the_same_time_leave_nothing,
        lifecycle::executors_do_not_get_in_each_others_way,
        lifecycle::executors_of_one_avs_deploy_and_end_side_by_side,
        adoption::a_killed_executor_s_performer_is_taken_over,
        adoption::performers_that_are_not_configured_any_more_are_removed,
        outage::tasks_go_on_and_deployments_come_back,
        outage::what_needs_the_api_server_waits_for_it,
    ];
    let code = TestTarget::from_args().tests_with(&Requirement::kubernetes(), tests).run();
    performer_namespace::tear_down();
    code
}
