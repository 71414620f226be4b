//! `harness component`: the reference components, each a process of its own.

use std::{error::Error, future::Future, path::PathBuf};

use hourglass_aggregator::AggregatorConfig;
use hourglass_component::shutdown;
use hourglass_executor::{ExecutorConfig, performers::reap_orphans};
use hourglass_load_worker::WorkerArgs;
use hourglass_operator::OperatorConfig;
use hourglass_performer::PerformerConfig;
use hourglass_reaper::adopt_orphans;

use super::CliError;

/// Runs a reference component until SIGTERM or SIGINT
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ComponentCommand {
    /// The performer, which squares a hexadecimal number; configured by environment variables
    Performer {
        /// Accepted so that all components can be started alike; the environment configures the performer
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// The executor, which runs tasks on performers and signs results
    Executor {
        /// Its configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// The aggregator, which sends tasks to executors and submits certificates
    Aggregator {
        /// Its configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// The operator, which runs Performer objects in a Kubernetes cluster
    Operator {
        /// Its configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// A worker of a load, which creates its share of the tasks from inside a cluster and ends
    #[command(hide = true)]
    LoadWorker(WorkerArgs),
}

/// Runs the component to its end.
pub async fn run(command: &ComponentCommand) -> Result<(), CliError> {
    match command {
        ComponentCommand::Performer { .. } => {
            let config = PerformerConfig::from_environment().map_err(|error| CliError::Usage(error.to_string()))?;
            ended("performer", Box::pin(hourglass_performer::run(config, shutdown::on_signal()))).await
        }
        ComponentCommand::Executor { config } => {
            // Otherwise a performer's daemon would be lost to the harness when the performer ends.
            adopt_orphans()?;
            reap_orphans();
            let config = ExecutorConfig::open(config)?;
            ended("executor", Box::pin(hourglass_executor::run(config, shutdown::on_signal()))).await
        }
        ComponentCommand::Aggregator { config } => {
            let config = AggregatorConfig::load(config)?;
            ended("aggregator", Box::pin(hourglass_aggregator::run(config, shutdown::on_signal()))).await
        }
        ComponentCommand::Operator { config } => {
            let config = OperatorConfig::load(config)?;
            ended("operator", Box::pin(hourglass_operator::run(config, shutdown::on_signal()))).await
        }
        ComponentCommand::LoadWorker(args) => {
            let running = hourglass_load_worker::run(args, std::io::stdout(), shutdown::on_signal());
            ended("load-worker", Box::pin(running)).await
        }
    }
}

async fn ended<E: Error + Send + Sync + 'static>(
    component: &'static str,
    running: impl Future<Output = Result<(), E>>,
) -> Result<(), CliError> {
    running.await.map_err(|error| CliError::Component { component, source: Box::new(error) })
}
