//! Trials in a real cluster, as the command runs them: what they leave, however they end, and what they say about images
//! that are of no use. The scenarios themselves are run by the target `scenarios`.
//!
//! They are listed as ignored unless `HARNESS_REQUIRE` names `kubernetes`.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod ends;
mod images;
mod lab;
#[expect(dead_code, reason = "other targets need the rest")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
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
    let arguments = Arguments::from_args();
    let required = env::var(REQUIRE).unwrap_or_default();
    let left_out = !required.split(',').any(|word| word.trim() == "kubernetes");
    if left_out && !arguments.list {
        eprintln!("tests with clusters are ignored; {REQUIRE}=kubernetes runs them");
    }
    let trials = trials![
        ends::what_passes_leaves_nothing,
        ends::a_signal_during_the_steps_ends_the_trial_in_order,
        ends::a_killed_harness_leaves_nothing,
        ends::a_killed_harness_leaves_nothing_of_an_executor_that_is_down,
        ends::a_pod_that_is_deleted_by_others_fails_the_trial,
        ends::a_chain_that_is_killed_fails_the_environment,
        ends::what_is_kept_runs_until_gc_ends_it,
        images::one_that_is_not_there_is_named,
        images::one_that_does_not_serve_is_named_with_what_the_cluster_says,
        images::a_trial_of_images_without_our_probe_is_checked_all_the_same,
    ];
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(left_out)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
