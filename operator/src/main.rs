//! The `hourglass-operator` command.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use hourglass_operator::{OperatorConfig, crd};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The Kubernetes operator of Hourglass performers
#[derive(Debug, Parser)]
#[command(name = "hourglass-operator", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Its configuration; the defaults where none is given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints the custom resource definition of Performer as YAML
    Crd,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.command {
        Some(Command::Crd) => print_crd(),
        None => operate(arguments.config),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut words = format!("hourglass-operator: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                words = format!("{words}: {error}");
                cause = error.source();
            }
            // If standard error cannot be written either, only the exit code is left.
            drop(writeln!(io::stderr(), "{words}"));
            ExitCode::FAILURE
        }
    }
}

fn print_crd() -> Result<(), Failure> {
    Ok(io::stdout().write_all(crd::yaml()?.as_bytes())?)
}

#[tokio::main]
async fn operate(config: Option<PathBuf>) -> Result<(), Failure> {
    let config = config.map_or_else(|| Ok(OperatorConfig::default()), |path| OperatorConfig::load(&path))?;
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut running = Box::pin(hourglass_operator::run(config, shutdown.clone()));
    loop {
        tokio::select! {
            ended = &mut running => return Ok(ended?),
            _ = terminate.recv() => shutdown.cancel(),
            _ = interrupt.recv() => shutdown.cancel(),
        }
    }
}
