//! The `harness` command.

use std::process::ExitCode;

use clap::Parser;
use hourglass_harness::reaper::{SuperviseArgs, supervise_main};

#[derive(Parser)]
enum Command {
    #[command(hide = true)]
    Supervise(SuperviseArgs),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Supervise(args) => supervise_main(&args),
    }
}
