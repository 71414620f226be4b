//! `harness setup`: gives the machine what `harness doctor` finds missing.

use std::{io::Write, path::PathBuf};

use super::{AnvilArgs, CliError};
use crate::machine::setup::{State, Step, System, docker};

/// Gives the machine what `harness doctor` finds missing, and tells each step before it is done
#[derive(Debug, Clone, clap::Subcommand)]
pub enum SetupCommand {
    /// Anvil, from npm into the harness's cache
    Anvil(RehearsalArgs),
    /// A Docker engine that runs: on Debian and Ubuntu installed where there is none; needs root where something is to
    /// be done
    Docker(RehearsalArgs),
}

/// Whether anything is done.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RehearsalArgs {
    /// Only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Does the steps that are still to be done, and writes them to `out`.
pub async fn run(command: &SetupCommand, out: &mut impl Write) -> Result<(), CliError> {
    let mut told = Ok(());
    let mut tell = |step: &Step| {
        let written = writeln!(out, "{step}").and_then(|()| out.flush());
        if told.is_ok() {
            told = written;
        }
    };
    match command {
        SetupCommand::Anvil(args) => anvil(args.dry_run, &mut tell).await?,
        SetupCommand::Docker(args) => {
            let done = docker(&System::this(), args.dry_run, &mut tell).await;
            done.map_err(|error| CliError::Environment(Box::new(error)))?;
        }
    }
    told.map_err(CliError::Output)
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
        let found = search.find_or_install(|_| {}).await.map_err(environment)?;
        tell(&there(found.path));
    }
    Ok(())
}
