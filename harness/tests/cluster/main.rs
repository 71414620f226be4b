//! Real kind clusters in a real engine: created, leased, reached, diagnosed and removed.
//!
//! They cost seconds and hundreds of megabytes each: the tests are listed as ignored unless `HARNESS_REQUIRE` names
//! `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod bad_input;
mod diagnostics;
mod images;
mod kind;
mod lease;
mod network;
mod network_namespace;
#[path = "../docker/own_engine.rs"]
mod own_engine;
#[path = "../reaper/proxy.rs"]
mod proxy;
mod racer;
mod setup;
mod shared_cluster;

use std::{env, process::ExitCode};

use hourglass_harness::scenario_tests::of_waiting_tests;
use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    // Tests that need a process of their own start this executable once more.
    if let Some(code) = bad_input::child_main() {
        return code;
    }
    if let Some(folder) = env::var_os(racer::FOLDER) {
        racer::race(folder.as_ref());
        return ExitCode::SUCCESS;
    }
    let tests = tests![
        kind::new_cluster_is_usable,
        kind::control_plane_collects_garbage_rarely,
        kind::nothing_is_left_of_a_deleted_cluster,
        setup::a_truncated_archive_leaves_nothing,
        setup::an_archive_of_another_image_leaves_nothing,
        setup::image_that_is_no_node_image_leaves_nothing,
        setup::existing_image_is_not_loaded_again,
        setup::useless_registry_is_given_up,
        setup::broken_archive_exits_with_3,
        setup::doctor_names_the_remedy_for_missing_kind,
        setup::doctor_names_the_remedy_for_old_kind,
        images::delivered_components_run_on_every_node,
        images::rebuilt_image_with_the_same_name_is_sent_again,
        images::one_image_under_two_names_is_sent_once,
        images::concurrent_deliveries_send_once,
        images::an_image_that_the_engine_lacks_is_named,
        images::an_image_without_a_name_is_refused,
        images::interrupted_delivery_leaves_no_image,
        images::a_node_that_cannot_take_an_image_is_named,
        diagnostics::broken_objects_are_named_and_their_evidence_is_kept,
        diagnostics::the_command_says_what_is_broken_and_leaves_out_other_namespaces,
        diagnostics::size_is_bounded_and_the_end_of_logs_is_kept,
        diagnostics::without_the_engine_the_api_objects_are_collected,
        diagnostics::paused_cluster_leaves_the_engine_evidence,
        bad_input::missing_node_image_is_an_error,
        bad_input::image_that_is_no_node_image_is_an_error,
        bad_input::name_of_an_existing_cluster_is_refused,
        bad_input::unreadable_state_file_is_an_error,
        bad_input::kubelet_that_fails_is_an_error_with_its_journal,
        bad_input::engine_that_stops_during_creation_is_an_error,
        bad_input::missing_kind_is_an_error,
        bad_input::old_kind_is_an_error,
        network::a_service_is_reached_by_port_forward_and_by_node_port,
        network::a_port_forward_follows_a_pod_that_is_replaced,
        network::a_port_forward_ends_when_it_is_dropped_and_says_what_is_wrong,
        network::pods_reach_containers_on_the_clusters_network_and_no_others,
        network::stuck_namespace_is_reported_with_its_finalizer,
        network::namespaces_whose_owner_is_gone_are_swept_and_no_others,
        network::doctor_finds_a_good_cluster_usable,
        network::doctor_names_the_broken_hop,
        lease::racing_processes_share_one_cluster,
        lease::restarted_cluster_is_healed_and_warm_cluster_is_reused,
        lease::cluster_of_another_spec_or_with_a_broken_state_file_is_refused,
    ];
    let apart = tests![bad_input::disk_that_is_too_small_is_an_error];
    let clusters = Requirement::kubernetes();
    let own_engine = clusters.and("an engine of their own", own_engine::cannot_be_had().as_deref());
    let target = TestTarget::from_args().test_threads(of_waiting_tests());
    let code = target.tests_with(&clusters, tests).tests_with(&own_engine, apart).run();
    shared_cluster::tear_down();
    code
}
