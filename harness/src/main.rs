//! The `harness` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hourglass_harness::cli::main()
}
