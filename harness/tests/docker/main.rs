//! The built `harness` command with working and broken Docker engines: errors are reported with their remedy, and
//! nothing is left behind.
//!
//! Without an engine the tests are listed as ignored; `HARNESS_REQUIRE=docker` makes them fail instead.
#![expect(clippy::print_stderr, reason = "a test says why it tested nothing")]
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod access;
#[expect(dead_code, reason = "other targets need the rest")]
#[path = "../support/archive.rs"]
mod archive;
mod bundles;
mod components;
mod docker_trial;
mod ends;
mod engine;
mod faults;
mod images;
mod order;
mod outage;
mod own_engine;
mod own_performers;
mod pool;
#[path = "../reaper/proxy.rs"]
mod proxy;
#[path = "../cli/usage.rs"]
mod usage;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

/// The command under test.
const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

fn main() -> ExitCode {
    let tests = tests![
        engine::one_that_is_not_there_is_named,
        engine::socket_without_listener_is_named,
        engine::silent_engine_is_given_up,
        engine::address_without_listener_is_named,
        engine::engine_without_permission_is_named,
        outage::engine_that_stops_during_the_steps_is_reported_at_once,
        outage::engine_that_stops_during_start_up_is_reported,
        outage::objects_of_an_engine_that_returns_late_are_removed_by_gc,
        images::missing_image_is_named_before_anything_is_started,
        images::image_of_another_architecture_is_named_before_anything_is_started,
        own_performers::built_performers_that_listen_on_one_port_run_side_by_side,
        own_performers::an_image_is_built_again_when_its_content_changes_and_only_then,
        own_performers::a_build_that_fails_shows_its_last_output,
        own_performers::an_image_is_pulled_with_the_credentials_of_the_configuration,
        own_performers::an_image_that_is_there_is_not_pulled,
        components::executor_that_ends_at_once_is_reported_with_its_output,
        components::aggregator_that_ends_at_once_is_reported_with_its_output,
        components::performer_that_ends_at_once_is_reported_with_its_output,
        components::limits_are_the_defaults_or_those_of_the_scenario,
        components::wait_for_an_unhealthy_performer_ends,
        ends::an_aggregator_that_ends_fails_the_trial,
        ends::an_executor_that_ends_fails_the_trial,
        ends::a_performer_that_ends_fails_the_trial,
        ends::a_chain_that_ends_fails_the_environment,
        bundles::the_first_page_names_a_missing_image,
        bundles::the_archive_of_a_failed_trial_has_its_containers_and_no_key,
        faults::component_that_does_not_run_cannot_be_killed,
        faults::component_that_does_not_run_cannot_be_paused,
        faults::component_that_does_not_run_cannot_be_disconnected,
        access::a_harness_that_is_not_root_gives_containers_their_configuration,
        order::trial_that_passes_leaves_nothing,
        order::a_report_has_what_each_component_used,
        order::runs_of_one_scenario_do_not_affect_each_other,
        order::a_signal_during_the_steps_ends_the_trial_in_order,
        order::signal_during_start_up_ends_the_environment_in_order,
        order::kept_trial_runs_until_gc_ends_it,
    ];
    let pools = tests![pool::an_exhausted_address_pool_is_named];
    let docker = Requirement::docker();
    let own_engine = docker.and("an engine of their own", own_engine::cannot_be_had().as_deref());
    TestTarget::from_args().tests_with(&docker, tests).tests_with(&own_engine, pools).run()
}
