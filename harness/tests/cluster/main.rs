//! Real clusters by kind in a real engine: made, lent, reached, looked into and removed.
//!
//! They cost seconds and hundreds of megabytes each: the tests are listed as ignored unless `HARNESS_REQUIRE` names
//! `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod kind;
mod lab;
mod lease;
mod racer;
#[path = "../cli/wait.rs"]
mod wait;

use std::{env, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

const REQUIRE: &str = "HARNESS_REQUIRE";

macro_rules! trials {
    ($($module:ident::$test:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+]
    };
}

fn main() -> ExitCode {
    if let Some(folder) = env::var_os(racer::FOLDER) {
        racer::race(folder.as_ref());
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let required = env::var(REQUIRE).unwrap_or_default();
    let left_out = !required.split(',').any(|word| word.trim() == "kubernetes");
    if left_out && !arguments.list {
        eprintln!("tests with clusters are ignored; {REQUIRE}=kubernetes runs them");
    }
    let trials = [
        trials![kind::a_cluster_is_usable_when_it_is_given, kind::nothing_is_left_of_a_deleted_cluster,],
        trials![
            lease::processes_that_race_share_one_cluster_though_some_are_killed,
            lease::a_cluster_that_went_through_a_restart_is_healed,
            lease::what_is_remembered_of_a_cluster_may_be_broken_or_of_another,
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
