//! The supervisor against what real runs leave behind: processes, and what they have in a Docker engine.
//!
//! The test executes itself to get a harness that it can kill: with [`acting::ACT`] set it does not run tests, it starts
//! a supervisor and children, and waits for its end.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod acting;
mod commands;
mod docker;
mod place;
mod processes;
mod proxy;

use std::{env, process::ExitCode};

use hourglass_harness::engine::Engine;
use libtest_mimic::{Arguments, Failed, Trial};

/// Names what must be there: tests that need it fail where it is not, and are not left out.
const REQUIRE: &str = "HARNESS_REQUIRE";

fn main() -> ExitCode {
    if let Ok(run) = env::var(acting::ACT) {
        acting::act(&run.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let left_out = engine_is_missing();
    if let Some(reason) = &left_out {
        eprintln!("tests with Docker are ignored: {reason}; {REQUIRE}=docker makes them fail instead");
    }
    let with_docker = docker::TESTS.into_iter().chain(commands::TESTS);
    let processes = processes::TESTS.into_iter().map(trial);
    let with_docker = with_docker.map(|test| trial(test).with_kind("docker").with_ignored_flag(left_out.is_some()));
    libtest_mimic::run(&Arguments::from_args(), processes.chain(with_docker).collect()).exit_code()
}

fn trial((name, test): (&str, fn())) -> Trial {
    Trial::test(name, move || {
        test();
        Ok::<(), Failed>(())
    })
}

/// Why the tests that need an engine are left out; nothing when there is one, or when one is required.
fn engine_is_missing() -> Option<String> {
    let required = env::var(REQUIRE).unwrap_or_default();
    if required.split(',').any(|word| word.trim() == "docker") {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Engine::connect()).err().map(|error| error.to_string())
}
