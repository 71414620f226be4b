//! `harness probe`: both ends of the connections that `harness doctor --cluster` and trials try, run inside pods.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::join_all;
use hourglass_cluster::probe::{ask, dial, serve};
use hourglass_component::shutdown;
use tokio::net::TcpListener;

use super::{CliError, Output};

/// Serves or tries connections
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ProbeCommand {
    /// Says its name to everyone who connects, until SIGTERM or SIGINT
    Serve {
        /// The port
        #[arg(long)]
        port: u16,
        /// The name
        #[arg(long)]
        name: String,
    },
    /// Tries all targets side by side; writes a line of JSON for each, in their order
    Connect {
        /// How long each is tried
        #[arg(long, value_parser = humantime::parse_duration)]
        within: Duration,
        /// As NAME:PORT
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// Asks all targets side by side for their gRPC health; writes a line of JSON for each, in their order
    Health {
        /// How long each is waited for
        #[arg(long, value_parser = humantime::parse_duration)]
        within: Duration,
        /// As NAME:PORT
        #[arg(required = true)]
        targets: Vec<String>,
    },
}

/// Runs the subcommand. A name that is still being resolved at its end is abandoned.
pub fn run(command: &ProbeCommand, out: &mut impl Output) -> Result<(), CliError> {
    super::runtime()?.block_on(act(command, out))
}

async fn act(command: &ProbeCommand, out: &mut impl Output) -> Result<(), CliError> {
    match command {
        ProbeCommand::Serve { port, name } => {
            let end = shutdown::on_signal();
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).await;
            let listener = listener.map_err(|source| CliError::Serve { port: *port, source })?;
            serve(listener, name, &end).await.map_err(|source| CliError::Serve { port: *port, source })
        }
        ProbeCommand::Connect { within, targets } => {
            for dialled in join_all(targets.iter().map(|target| dial(target, *within))).await {
                writeln!(out, "{}", serde_json::to_string(&dialled)?)?;
            }
            Ok(())
        }
        ProbeCommand::Health { within, targets } => {
            for asked in join_all(targets.iter().map(|target| ask(target, *within))).await {
                writeln!(out, "{}", serde_json::to_string(&asked)?)?;
            }
            Ok(())
        }
    }
}
