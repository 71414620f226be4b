//! The `harness` command.

use std::process::ExitCode;

use clap::Parser as _;
use hourglass_harness::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().execute()
}
