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
        objects::object_has_the_configuration_and_its_owner,
        objects::a_value_of_a_config_map_reaches_the_performer,
        objects::a_value_reaches_the_performer_as_it_is_written,
        lifecycle::a_deployed_performer_runs_tasks_and_is_listed,
        lifecycle::deployment_replaces_drains_and_removes_the_previous_one,
        lifecycle::missing_image_is_named_and_leaves_the_old_performer_in_service,
        lifecycle::unhealthy_performer_is_removed,
        lifecycle::a_killed_pod_comes_back_and_no_task_is_lost,
        lifecycle::removed_performer_is_recreated,
        lifecycle::deployments_and_removals_at_the_same_time_leave_nothing,
        lifecycle::executors_do_not_affect_each_other,
        lifecycle::executors_of_one_avs_deploy_and_end_side_by_side,
        adoption::a_killed_executor_s_performer_is_taken_over,
        adoption::performers_that_are_not_configured_any_more_are_removed,
        outage::tasks_continue_and_deployments_resume,
        outage::calls_that_need_the_api_server_wait_for_it,
    ];
    let code = TestTarget::from_args().tests_with(&Requirement::kubernetes(), tests).run();
    performer_namespace::tear_down();
    code
}
