//! The built `harness` command with Docker engines as they are and as they should not be: what goes wrong is told with
//! its remedy, and nothing is left behind.
//!
//! Without an engine the tests are listed as ignored; `HARNESS_REQUIRE=docker` makes them fail instead.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod access;
mod components;
mod ends;
mod engine;
mod faults;
mod images;
mod lab;
mod order;
mod outage;
mod own_engine;
mod pool;
#[path = "../reaper/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "each test binary uses a part")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
#[path = "../cli/wait.rs"]
mod wait;

use std::{env, process::ExitCode};

use hourglass_harness::engine::Engine;
use libtest_mimic::{Arguments, Trial};

const REQUIRE: &str = "HARNESS_REQUIRE";

macro_rules! trials {
    ($($module:ident::$test:ident),+ $(,)?) => {
        [$(trial(concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let left_out = engine_is_missing();
    if let (Some(reason), false) = (&left_out, arguments.list) {
        eprintln!("tests with Docker are ignored: {reason}; {REQUIRE}=docker makes them fail instead");
    }
    let trials = trials![
        engine::one_that_is_not_there_is_named,
        engine::a_socket_on_which_nobody_listens_is_named,
        engine::one_that_says_nothing_is_given_up,
        engine::an_address_where_nobody_listens_is_named,
        engine::one_that_is_for_others_is_named,
        outage::an_engine_that_stops_during_the_steps_is_told_at_once,
        outage::an_engine_that_stops_while_the_environment_is_stood_up_is_told,
        outage::what_an_engine_has_that_comes_back_late_is_removed_by_gc,
        images::one_that_is_not_there_is_named_before_anything_is_started,
        images::one_of_another_architecture_is_named_before_anything_is_started,
        components::an_executor_that_ends_at_once_says_how,
        components::an_aggregator_that_ends_at_once_says_how,
        components::a_performer_that_ends_at_once_says_how,
        components::a_performer_that_never_gets_healthy_is_not_waited_for_for_ever,
        ends::an_aggregator_that_ends_fails_the_trial,
        ends::an_executor_that_ends_fails_the_trial,
        ends::a_performer_that_ends_fails_the_trial,
        ends::a_chain_that_ends_fails_the_environment,
        faults::what_does_not_run_cannot_be_killed,
        faults::what_does_not_run_cannot_be_paused,
        faults::what_does_not_run_cannot_be_disconnected,
        access::a_harness_that_is_not_root_gives_containers_their_configuration,
        order::what_passes_leaves_nothing,
        order::runs_of_one_scenario_do_not_get_in_each_others_way,
        order::a_signal_during_the_steps_ends_the_trial_in_order,
        order::a_signal_while_the_environment_is_stood_up_ends_it_in_order,
        order::what_is_kept_runs_until_gc_ends_it,
    ];
    let pool = own_engine::cannot_be_had();
    if let (Some(reason), None, false) = (&pool, &left_out, arguments.list) {
        eprintln!("pool tests are ignored: {reason}");
    }
    let trials = trials.map(|trial| trial.with_ignored_flag(left_out.is_some())).into_iter();
    let of_pools = trials![pool::an_exhausted_address_pool_is_named].map(|trial| {
        let left_out = left_out.is_some() || pool.is_some();
        trial.with_ignored_flag(left_out)
    });
    libtest_mimic::run(&arguments, trials.chain(of_pools).collect()).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// Why the tests are left out; nothing when there is an engine, or when one is required.
fn engine_is_missing() -> Option<String> {
    let required = env::var(REQUIRE).unwrap_or_default();
    if required.split(',').any(|word| word.trim() == "docker") {
        return None;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(Engine::connect()).err().map(|error| error.to_string())
}
