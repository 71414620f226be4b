//! The charts: the objects that Helm renders, the values that they refuse, and their releases in a real cluster.
//!
//! Without Helm, all tests except those of the versions are listed as ignored; so are the tests with clusters unless
//! `HARNESS_REQUIRE` names `kubernetes`. If it does, missing tools make them fail instead.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said, and so is what was measured")]

mod accepted;
mod executor_release;
mod helm;
mod namespaces;
mod operator_release;
mod pods;
mod refusals;
mod release_namespace;
#[path = "../cluster/shared_cluster.rs"]
mod shared_cluster;
mod templates;
mod versions;

use std::process::ExitCode;

use hourglass_harness::{Runtime, cluster::Tool};
use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    let plain = tests![versions::chart_version_is_that_of_the_installed_image];
    let helm = tests![
        templates::charts_pass_helm_lint,
        templates::operator_with_default_values,
        templates::operator_with_all_values,
        templates::the_operator_for_two_namespaces,
        templates::two_executors,
        templates::executors_with_everything,
        templates::executors_with_files_of_the_users,
        templates::components_accept_their_configuration,
        templates::pods_are_replaced_when_their_configuration_changes,
        templates::definition_outlives_releases,
        templates::releases_of_one_name_in_two_namespaces_share_nothing,
        refusals::wrong_values_are_refused_at_their_place,
        refusals::contradicting_values_are_refused,
        refusals::too_long_name_is_refused_and_not_cut,
        refusals::every_value_has_a_rule,
    ];
    let cluster = tests![
        accepted::every_rendered_object_is_accepted_by_kubernetes,
        operator_release::installed_upgraded_rolled_back_and_uninstalled,
        namespaces::two_operators_stay_in_their_namespaces,
        executor_release::installed_upgraded_rolled_back_and_uninstalled,
        executor_release::each_executor_has_its_own_file_and_its_own_key,
    ];
    let with_helm =
        Requirement::of("Helm", Runtime::Kubernetes, || Tool::HELM.find().err().map(|error| error.to_string()));
    let target = TestTarget::from_args().tests(plain).tests_with(&with_helm, helm);
    let code = target.tests_with(&Requirement::kubernetes(), cluster).run();
    release_namespace::tear_down();
    shared_cluster::tear_down();
    code
}
