//! The command, ended by a signal at random moments of a run, on each runtime: nothing is left at any moment.
//!
//! By default a few moments of processes and containers. `HARNESS_KILLS` says how many for each runtime and signal, and
//! includes clusters, as `just nightly` does. Tests whose requirements the machine lacks are listed as ignored, unless
//! `HARNESS_REQUIRE` names them.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "moments and times are said so that they can be repeated and compared")]

mod leftovers;
mod moments;

use std::{env, process::ExitCode};

use hourglass_harness::Runtime;
use hourglass_test_support::{Requirement, Test, TestTarget};
use rustix::process::Signal;

use crate::moments::Kills;

/// The command under test.
const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

/// How often each command is ended.
const KILLS: &str = "HARNESS_KILLS";

/// Runtime, signal, and the default number of moments.
const TESTS: [(Runtime, &str, Signal, u32); 9] = [
    (Runtime::Process, "sigkill", Signal::KILL, 10),
    (Runtime::Process, "ctrl_c", Signal::INT, 4),
    (Runtime::Process, "sigterm", Signal::TERM, 2),
    (Runtime::Docker, "sigkill", Signal::KILL, 4),
    (Runtime::Docker, "ctrl_c", Signal::INT, 2),
    (Runtime::Docker, "sigterm", Signal::TERM, 1),
    (Runtime::Kubernetes, "sigkill", Signal::KILL, 0),
    (Runtime::Kubernetes, "ctrl_c", Signal::INT, 0),
    (Runtime::Kubernetes, "sigterm", Signal::TERM, 0),
];

fn main() -> ExitCode {
    let kills: Option<u32> = env::var(KILLS).ok().map(|kills| kills.parse().unwrap());
    // One after the other: each checks for remains, which parallel runs would delay.
    let mut target = TestTarget::from_args().one_at_a_time();
    let (docker, kubernetes) = (Requirement::docker(), Requirement::kubernetes());
    for (runtime, name, signal, few) in TESTS {
        let kills = Kills { runtime, signal, moments: kills.unwrap_or(few) };
        let test = Test::new(format!("{runtime}_nothing_is_left_after_{name}_at_any_moment"), move || kills.run());
        target = match runtime {
            _ if kills.moments == 0 => target.ignored_tests([test]),
            Runtime::Process => target.tests([test]),
            Runtime::Docker => target.tests_with(&docker, [test]),
            Runtime::Kubernetes => target.tests_with(&kubernetes, [test]),
        };
    }
    target.run()
}
