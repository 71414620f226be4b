//! The supervisor and the remains of real runs: processes, and objects in a Docker engine.
//!
//! The test executes itself to get a harness that it can kill: with [`acting::ACT`] set it runs no tests, but starts a
//! supervisor and children, and waits for its end.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod acting;
mod commands;
mod docker;
mod engine_objects;
mod processes;
mod proxy;

use std::{env, process::ExitCode};

use hourglass_test_support::{Requirement, TestTarget};

fn main() -> ExitCode {
    if let Ok(run) = env::var(acting::ACT) {
        acting::act(&run.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let with_docker = docker::tests().into_iter().chain(commands::tests());
    TestTarget::from_args().tests(processes::tests()).tests_with(&Requirement::docker(), with_docker).run()
}
