//! Images of real executables, and a real engine that loads and runs them.
//!
//! Tests whose names begin with `docker_` are ignored where no engine answers, unless `HARNESS_REQUIRE` names docker.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod archive;
mod delivery;
mod dockerfile;
mod fixtures;
mod running;
mod user;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    let tests = tests![
        archive::the_same_files_make_the_same_image,
        archive::another_byte_makes_another_image,
        archive::archive_is_an_oci_layout_and_a_docker_archive,
        archive::static_executable_needs_no_libraries,
        archive::the_architecture_is_that_of_the_executable,
        archive::a_script_is_no_image,
        archive::the_command_writes_the_same_archive,
    ];
    let docker = tests![
        delivery::docker_existing_image_is_not_sent,
        delivery::docker_a_changed_executable_is_sent,
        delivery::docker_damaged_cache_is_rebuilt,
        delivery::docker_moved_tag_is_set_back,
        delivery::docker_concurrent_deliveries_succeed,
        running::docker_the_components_run_as_nobody,
        running::docker_anvil_answers,
        dockerfile::docker_the_dockerfile_makes_an_image_that_runs,
        user::docker_existing_image_is_accepted,
        user::docker_a_missing_image_is_named_with_the_ways_to_provide_it,
        user::docker_an_image_for_other_machines_is_refused,
    ];
    TestTarget::from_args().tests(tests).tests_with(&Requirement::docker(), docker).run()
}
