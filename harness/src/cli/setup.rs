//! `harness setup`: gives the machine what `harness doctor` finds missing.

use std::{path::PathBuf, time::Instant};

use hourglass_chain::DeployTool;
use hourglass_machine::setup::{
    KubernetesSetup, KubernetesSetupError, NODE_IMAGE_ARCHIVE_VARIABLE, State, Step, System, docker, kubernetes,
};

use super::{
    AnvilArgs, CliError, Output,
    interrupt::{self, unless_interrupted},
};

/// Gives the machine what `harness doctor` finds missing, and tells each step before it is done
#[derive(Debug, Clone, clap::Subcommand)]
pub enum SetupCommand {
    /// Anvil, from npm into the harness's cache
    Anvil(RehearsalArgs),
    /// forge and cast, which deploy scripts call, from npm into the harness's cache
    Foundry(RehearsalArgs),
    /// A Docker engine that runs: on Debian and Ubuntu installed where there is none; needs root where something is to
    /// be done
    Docker(RehearsalArgs),
    /// What clusters need: kind and Helm, made with Go where they are on no PATH, and a node image, loaded, pulled or built;
    /// only the building needs root
    Kubernetes(KubernetesArgs),
}

/// Whether anything is done.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RehearsalArgs {
    /// Only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Where the node image comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct KubernetesArgs {
    #[command(flatten)]
    rehearsal: RehearsalArgs,
    /// An archive of the node image (`docker save`, `fixtures/node-image/pack`), plain or packed with gzip or zstd; it is
    /// then neither pulled nor built
    #[arg(long, value_name = "FILE", env = NODE_IMAGE_ARCHIVE_VARIABLE)]
    node_image_archive: Option<PathBuf>,
    /// The folder that it is built from; default: what this harness holds of fixtures/node-image
    #[arg(long, value_name = "DIR")]
    node_image_source: Option<PathBuf>,
}

/// Does the steps that are still to be done, and reports them to `out`.
pub async fn run(command: &SetupCommand, out: &mut impl Output) -> Result<(), CliError> {
    let mut told = Ok(());
    let mut records = Records::default();
    let mut tell = |step: &Step| {
        records.next(Some(step));
        let written = writeln!(out, "{step}").and_then(|()| out.flush());
        if told.is_ok() {
            told = written;
        }
    };
    match command {
        SetupCommand::Anvil(args) => anvil(args.dry_run, &mut tell).await?,
        SetupCommand::Foundry(args) => foundry(args.dry_run, &mut tell).await?,
        SetupCommand::Docker(args) => {
            let done = docker(&System::this(), args.dry_run, &mut tell).await;
            done.map_err(|error| CliError::Environment(Box::new(error)))?;
        }
        SetupCommand::Kubernetes(args) => {
            let (archive, source) = (args.node_image_archive.clone(), args.node_image_source.clone());
            let setup = KubernetesSetup::this(archive, source).map_err(KubernetesSetupError::from)?;
            kubernetes(&setup, args.rehearsal.dry_run, &mut tell).await?;
        }
    }
    records.next(None);
    Ok(told?)
}

/// The records of steps. A step ends when the next one begins.
#[derive(Default)]
struct Records {
    doing: Option<(String, Instant)>,
}

impl Records {
    fn next(&mut self, step: Option<&Step>) {
        if let Some((what, began)) = self.doing.take() {
            tracing::info!(elapsed = ?began.elapsed(), "setup: {what}");
        }
        match step {
            Some(step) if step.state == State::Doing => self.doing = Some((step.what.clone(), Instant::now())),
            Some(step) => tracing::debug!(state = step.state.as_str(), why = step.why, "setup: {}", step.what),
            None => {}
        }
    }
}

async fn anvil(rehearsal: bool, tell: &mut impl FnMut(&Step)) -> Result<(), CliError> {
    let environment = |error| CliError::Environment(Box::new(error));
    let search = AnvilArgs::default().search();
    let there = |path: PathBuf| Step { state: State::Done, what: "Anvil".to_owned(), why: path.display().to_string() };
    if let Some(found) = search.find().map_err(environment)? {
        tell(&there(found.path));
        return Ok(());
    }
    let why = "it is in none of the places where it is looked for".to_owned();
    let state = if rehearsal { State::Would } else { State::Doing };
    tell(&Step { state, what: "install Anvil from npm into the harness's cache".to_owned(), why });
    if !rehearsal {
        let installed = async { search.find_or_install(|_| {}).await.map_err(environment) };
        let found = unless_interrupted(&interrupt::on_signal(), installed).await?;
        tell(&there(found.path));
    }
    Ok(())
}

async fn foundry(rehearsal: bool, tell: &mut impl FnMut(&Step)) -> Result<(), CliError> {
    let environment = |error| CliError::Environment(Box::new(error));
    let interrupt = interrupt::on_signal();
    for tool in DeployTool::OF_FOUNDRY {
        let name = tool.as_str();
        let there = |path: PathBuf| Step { state: State::Done, what: name.to_owned(), why: path.display().to_string() };
        if let Some((path, _)) = tool.find().map_err(environment)? {
            tell(&there(path));
            continue;
        }
        let why = "it is in none of the places where deploy scripts look for it".to_owned();
        let state = if rehearsal { State::Would } else { State::Doing };
        tell(&Step { state, what: format!("install {name} from npm into the harness's cache"), why });
        if !rehearsal {
            let installed = async { tool.find_or_install().await.map_err(environment) };
            tell(&there(unless_interrupted(&interrupt, installed).await?));
        }
    }
    Ok(())
}
