//! Trials in a real cluster, as the command runs them: what is left after each kind of end, and the messages about
//! images that cannot be used. The target `scenarios` runs the scenarios themselves.
//!
//! They are listed as ignored unless `HARNESS_REQUIRE` names `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[expect(dead_code, reason = "other targets need the rest")]
#[path = "../support/archive.rs"]
mod archive;
mod bundles;
mod cluster_trial;
mod ends;
mod images;
mod load;
mod own_performers;
#[path = "../cli/usage.rs"]
mod usage;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

/// The command under test.
const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

fn main() -> ExitCode {
    let tests = tests![
        ends::trial_that_passes_leaves_nothing,
        ends::a_report_has_what_each_component_used,
        ends::limits_are_the_defaults_or_those_of_the_scenario,
        ends::a_signal_during_the_steps_ends_the_trial_in_order,
        ends::a_killed_harness_leaves_nothing,
        ends::killed_harness_leaves_nothing_of_a_killed_executor,
        ends::a_pod_that_is_deleted_by_others_fails_the_trial,
        ends::a_chain_that_is_killed_fails_the_environment,
        ends::kept_trial_runs_until_gc_ends_it,
        bundles::the_first_page_names_an_exhausted_quota,
        bundles::the_first_page_names_a_network_policy,
        bundles::the_first_page_names_an_operator_that_is_away,
        images::one_that_is_not_there_is_named,
        images::image_that_does_not_serve_is_named_with_the_cluster_message,
        images::trial_of_images_without_probe_command_is_checked,
        load::each_worker_sends_its_share,
        load::a_worker_that_is_killed_is_reported,
        load::a_worker_whose_pod_is_deleted_is_reported,
        load::an_interrupted_load_leaves_no_worker,
        load::a_killed_harness_leaves_no_worker,
        own_performers::built_performers_that_listen_on_one_port_run_side_by_side,
    ];
    TestTarget::from_args().tests_with(&Requirement::kubernetes(), tests).run()
}
