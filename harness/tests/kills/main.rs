//! The command, ended by a signal at random moments of a run, on each runtime: nothing is left, wherever it was hit.
//!
//! A few moments of processes and containers by default. `HARNESS_KILLS` says how many of each runtime and signal, and
//! includes clusters, as `just nightly` does. What the machine lacks is listed as ignored, unless `HARNESS_REQUIRE` names it.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "moments and times are said so that they can be repeated and compared")]

#[expect(dead_code, reason = "other targets need the rest")]
#[path = "../cli/daemons.rs"]
mod daemons;
mod left;
mod moments;
#[expect(dead_code, reason = "other targets need the rest")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
#[path = "../cli/wait.rs"]
mod wait;

use std::{env, process::ExitCode};

use hourglass_harness::engine::Engine;
use libtest_mimic::{Arguments, Trial};
use rustix::process::Signal;

use crate::moments::Kills;

const REQUIRE: &str = "HARNESS_REQUIRE";
/// How often each command is ended.
const KILLS: &str = "HARNESS_KILLS";

/// Runtime, signal, and how many moments are tried where nothing is said.
const TESTS: [(&str, &str, Signal, u32); 9] = [
    ("process", "sigkill", Signal::KILL, 10),
    ("process", "ctrl_c", Signal::INT, 4),
    ("process", "sigterm", Signal::TERM, 2),
    ("docker", "sigkill", Signal::KILL, 4),
    ("docker", "ctrl_c", Signal::INT, 2),
    ("docker", "sigterm", Signal::TERM, 1),
    ("kubernetes", "sigkill", Signal::KILL, 0),
    ("kubernetes", "ctrl_c", Signal::INT, 0),
    ("kubernetes", "sigterm", Signal::TERM, 0),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let kills: Option<u32> = env::var(KILLS).ok().map(|kills| kills.parse().unwrap());
    let tests = TESTS.iter().map(|(runtime, name, signal, few)| {
        let kills = Kills { runtime, signal: *signal, moments: kills.unwrap_or(*few) };
        let left_out = kills.moments == 0 || !is_there(runtime);
        // One after the other: each looks at what its neighbours would slow down.
        let test = Trial::test(format!("{runtime}_nothing_is_left_after_{name}_at_any_moment"), move || {
            kills.run();
            Ok(())
        });
        test.with_ignored_flag(left_out)
    });
    let tests = tests.collect();
    libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, tests).exit_code()
}

/// Whether the runtime's tests are to run on this machine.
fn is_there(runtime: &str) -> bool {
    let required = env::var(REQUIRE).unwrap_or_default();
    let is_required = required.split(',').any(|word| word.trim() == runtime);
    match runtime {
        "process" => true,
        "docker" if !is_required => {
            let scheduler = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scheduler.block_on(Engine::connect()).is_ok()
        }
        _ => is_required,
    }
}
