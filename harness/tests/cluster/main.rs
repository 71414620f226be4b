//! Real clusters by kind in a real engine: made, lent, reached, looked into and removed.
//!
//! They cost seconds and hundreds of megabytes each: the tests are listed as ignored unless `HARNESS_REQUIRE` names
//! `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod kind;
mod lab;
mod network;

use std::{env, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

const REQUIRE: &str = "HARNESS_REQUIRE";

macro_rules! trials {
    ($($module:ident::$test:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = env::var(REQUIRE).unwrap_or_default();
    let left_out = !required.split(',').any(|word| word.trim() == "kubernetes");
    if left_out && !arguments.list {
        eprintln!("tests with clusters are ignored; {REQUIRE}=kubernetes runs them");
    }
    let trials = [
        trials![kind::a_cluster_is_usable_when_it_is_given, kind::nothing_is_left_of_a_deleted_cluster,],
        trials![
            network::a_service_is_reached_by_port_forward_and_by_node_port,
            network::a_port_forward_follows_a_pod_that_is_replaced,
            network::a_port_forward_ends_when_it_is_dropped_and_says_what_is_wrong,
            network::pods_reach_containers_on_the_clusters_network_and_no_others,
            network::a_namespace_that_does_not_go_is_told_with_what_holds_it,
            network::namespaces_whose_owner_is_gone_are_swept_and_no_others,
            network::the_doctor_finds_a_good_cluster_usable,
            network::the_doctor_names_the_hop_that_is_broken,
        ],
    ];
    let trials = trials.into_iter().flatten().map(|trial| trial.with_ignored_flag(left_out)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    lab::tear_down();
    conclusion.exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
