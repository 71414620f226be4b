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
    let plain = tests![versions::charts_have_the_version_of_what_they_install];
    let helm = tests![
        templates::charts_are_well_made,
        templates::the_operator_as_it_comes,
        templates::the_operator_with_everything,
        templates::the_operator_for_two_namespaces,
        templates::two_executors,
        templates::executors_with_everything,
        templates::executors_with_files_of_the_users,
        templates::components_understand_what_they_are_given,
        templates::pods_are_replaced_when_their_configuration_changes,
        templates::the_definition_outlives_releases,
        templates::releases_of_one_name_in_two_namespaces_share_nothing,
        refusals::wrong_values_are_refused_at_their_place,
        refusals::contradicting_values_are_refused,
        refusals::a_name_is_refused_before_it_is_cut,
        refusals::no_value_is_without_a_rule,
    ];
    let cluster = tests![
        accepted::every_object_is_one_of_kubernetes,
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
