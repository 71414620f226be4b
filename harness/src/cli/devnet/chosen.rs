//! From the arguments to the environment of a devnet.

use hourglass_cluster::ClusterChoice;
use hourglass_scenario::{AllowedErrors, ScenarioError, Trial, check_components};

use super::DevnetArgs;
use crate::cli::{
    CliError,
    again::Given,
    chosen::{ChosenArgs, with_embedded},
    notice,
    run::runtimes_of,
};

/// The name of the environment of a project, and of the default one.
const NAME: &str = "devnet";

/// What is to be started.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    /// The environment.
    pub(super) trial: Trial,
    /// The cluster of the kubernetes runtime.
    pub(super) cluster: ClusterChoice,
}

impl DevnetArgs {
    /// What is to be started. Nothing is created before this is known.
    pub(in crate::cli) fn chosen(&self) -> Result<Chosen, CliError> {
        let trial = match &self.scenario {
            Some(name) => self.of_scenario(name)?,
            None => self.of_project()?,
        };
        let mut trials = [trial];
        let given = Given {
            set: &self.source.set,
            contracts: &self.source.contracts,
            project: self.source.project.as_deref(),
            images: &self.images,
            allowed_errors: &AllowedErrors::default(),
            cluster: &self.cluster,
            trial_timeout: None,
            anvil: &self.anvil,
        };
        given.note(&mut trials)?;
        let cluster = self.cluster.choice(&trials)?;
        if self.anvil.anvil.is_some() {
            self.cluster.leaves_anvil_to_be_chosen(&trials)?;
        }
        let [trial] = trials;
        Ok(Chosen { trial, cluster })
    }

    fn of_scenario(&self, name: &str) -> Result<Trial, CliError> {
        let mut selection = self.source.selection(vec![name.to_owned()]);
        selection.runtimes = match self.runtime {
            Some(runtime) => vec![runtime],
            None => runtimes_of(&selection.patterns, selection.project()?.as_deref()),
        };
        let chosen = ChosenArgs { images: self.images.clone(), ..ChosenArgs::default() };
        let trials = chosen.trials(&selection)?;
        let names: Vec<_> = trials.iter().take(5).map(|trial| trial.name.clone()).collect();
        match <[Trial; 1]>::try_from(trials) {
            Ok([trial]) => Ok(trial.without_steps()),
            Err(trials) => Err(CliError::Usage(format!(
                "failed to choose an environment: `{name}` selects {} trials, such as {}, and a devnet is the environment of one; give the name of one",
                trials.len(),
                names.join(", ")
            ))),
        }
    }

    fn of_project(&self) -> Result<Trial, CliError> {
        if !self.source.set.is_empty() {
            let reason = "only scenarios have variables, and none is named".to_owned();
            let remedy = "name the scenario, or leave the option out";
            return Err(ScenarioError::WithoutEffect { option: "--set", reason, remedy }.into());
        }
        let selection = with_embedded(&self.source.selection(Vec::new()));
        let project = selection.project()?;
        let runtime = self.runtime.unwrap_or_else(|| runtimes_of(&[], project.as_deref())[0]);
        let mut trials =
            self.images.over(vec![Trial::of_project(NAME, project.as_ref(), runtime, &self.source.contracts)?])?;
        for warning in self.images.warnings(&trials) {
            notice(&warning);
        }
        check_components(&trials)?;
        Ok(trials.swap_remove(0))
    }
}
