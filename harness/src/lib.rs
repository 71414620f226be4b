//! The harness as a library: scenario → trial → environment → timeline → verdict → report.
//!
//! Tests that are written in Rust begin with [`Harness::builder`]; `hourglass_api` says more. The modules are for code
//! that runs scenarios in another way than the command `harness` does.

pub mod cli;

use std::{env, process::ExitCode};

pub use hourglass_api::{
    Action, Address, Avs, Build, Call, ChainHandle, ClusterChoice, ClusterHandle, ComponentHandle, Contract,
    ContractArtifact, CreateTask, DeployPerformer, DeployedPerformer, EXECUTABLE_VARIABLE, Event, ExecutableError,
    ExistingChoice, ExpectEvent, ExpectExpired, ExpectLog, ExpectPerformers, ExpectRejected, ExpectVerified, Failure,
    GrpcCode, H256, Harness, HarnessBuilder, HarnessError, Keep, Load, Operator, Program, RemovePerformer,
    SendTransaction, Task, TaskEvent, TestEnvironment, Timeline, TrialLog, TrialReport, Verdict, Violation,
    is_required, secs,
};
pub use hourglass_base::{RuntimeKind as Runtime, cache};
pub use hourglass_chain as chain;
pub use hourglass_child as child;
pub use hourglass_cluster as cluster;
pub use hourglass_compare as compare;
pub use hourglass_engine as engine;
pub use hourglass_image as image;
pub use hourglass_load as load;
pub use hourglass_machine as machine;
pub use hourglass_reaper as reaper;
pub use hourglass_report as report;
pub use hourglass_runner as runner;
pub use hourglass_runtime as runtime;
pub use hourglass_scenario::{self as scenario, Chain, Pull};
pub use hourglass_scenario_tests as scenario_tests;
pub use hourglass_timeline as timeline;

/// The samples of README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The commands that the harness itself calls its executable with.
const INTERNAL_COMMANDS: [&str; 4] = ["adopt", "component", "probe", "supervise"];

/// Does what the `harness` executable does if an environment has started this process, and returns its exit code;
/// otherwise returns `None`, and environments of this process need no other executable than the running one.
///
/// For programs with their own `main`, which calls this before anything else:
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     if let Some(code) = hourglass_harness::main_if_harness() {
///         return code;
///     }
///     // tests, or whatever the program is for
/// #   ExitCode::SUCCESS
/// }
/// ```
pub fn main_if_harness() -> Option<ExitCode> {
    let command = env::args_os().nth(1).unwrap_or_default();
    if INTERNAL_COMMANDS.iter().any(|internal| command == *internal) {
        return Some(cli::main());
    }
    hourglass_api::serve_as_harness_executable();
    None
}

/// Makes a test target of a folder of scenarios, below the folder of the package: one test for each scenario,
/// combination of its matrix and runtime. It needs `harness = false` in the manifest, and no other executable.
///
/// ```no_run
/// hourglass_harness::scenarios!("tests/scenarios");
/// ```
///
/// A function after the folder changes the [`ScenarioTests`](scenario_tests::ScenarioTests) before they run:
///
/// ```no_run
/// hourglass_harness::scenarios!("scenarios", |tests| tests.run_again_with("make scenario NAME="));
/// ```
#[macro_export]
macro_rules! scenarios {
    ($folder:expr) => {
        $crate::scenarios!($folder, |tests| tests);
    };
    ($folder:expr, $change:expr) => {
        fn main() -> ::std::process::ExitCode {
            if let Some(code) = $crate::main_if_harness() {
                return code;
            }
            let folder = ::std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join($folder);
            let change: fn($crate::scenario_tests::ScenarioTests) -> $crate::scenario_tests::ScenarioTests = $change;
            change($crate::scenario_tests::ScenarioTests::in_folder(folder)).run()
        }
    };
}
