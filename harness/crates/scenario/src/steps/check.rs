//! The shared data of the checks of steps: the operators of the scenario, and the problems found so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hourglass_component::document::{Pointer, Problem, Problems};
use hourglass_proto::contracts::errors;

use crate::avs::FIRST_AVS;
use crate::contracts::Names;
use crate::model::Topology;
use crate::texts::ComponentRef;

/// The data for the check of a step, and the list that it adds problems to.
pub(crate) struct StepCheck<'a> {
    /// `None` if the operators could not be read: a step may mean one of those.
    pub(crate) topology: Option<&'a Topology>,
    /// The AVSs of the tasks that were created so far, by the tasks' names; `None` for the first AVS.
    pub(crate) avs_of_task: BTreeMap<String, Option<String>>,
    /// The custom errors of the user's contracts.
    pub(crate) errors: &'a BTreeSet<String>,
    /// The names that stand for addresses; `None` if contracts or operators could not be read.
    pub(crate) names: Option<Names<'a>>,
    /// Where the files are that the steps name.
    pub(crate) folder: ScenarioFolder<'a>,
    /// The problems found so far.
    pub(crate) problems: &'a mut Problems,
    /// What is probably not meant as it is written, but works.
    pub(crate) warnings: &'a mut Problems,
}

/// The folder of a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ScenarioFolder<'a> {
    /// Paths of the scenario are relative to this folder.
    At(&'a Path),
    /// The executable embeds the scenario.
    Embedded,
}

impl StepCheck<'_> {
    /// Adds the problem of a custom error that no contract has. Anything but a name is the text of a `require`.
    pub(crate) fn error(&mut self, error: &str, at: &Pointer) {
        let is_name = error.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let known: Vec<_> = errors::names().into_iter().chain(self.errors.iter().map(String::as_str)).collect();
        // Contracts that could not be read may have it.
        let knows_all = self.names.as_ref().is_some_and(|names| !names.has_deploy_scripts);
        if knows_all && is_name && !known.contains(&error) {
            let problem = Problem::at_value(at, format!("no contract has an error called `{error}`"));
            self.problems.add(problem.label("expected here").did_you_mean(error, "errors", known));
        }
    }

    /// Adds the problem of a contract that nobody knows by this name.
    pub(crate) fn contract(&mut self, name: &str, at: &Pointer) {
        // Contracts that could not be read may be what is meant.
        let Some(names) = &self.names else { return };
        if !name.starts_with("0x") && !names.contracts().any(|contract| contract == name) {
            let problem = Problem::at_value(at, format!("no contract is called `{name}`")).label("meant here");
            self.problems.add(problem.did_you_mean(name, "contracts", names.contracts()));
        }
    }

    /// Adds the problem of an operator that the scenario does not have.
    pub(crate) fn operator(&mut self, name: &str, at: &Pointer) {
        let Some(operators) = self.topology.map(Topology::operator_names) else { return };
        if !operators.contains(&name) {
            let problem = Problem::at_value(at, format!("there is no operator called `{name}`"));
            self.problems.add_misspelt(problem.label("meant here"), name, "operators", operators.iter().copied());
        }
    }

    /// Adds the problem of an operator that the scenario does not have, or that is none of the first AVS: steps deploy, remove and
    /// list only the performers for that AVS.
    pub(crate) fn operator_of_first(&mut self, name: &str, at: &Pointer) {
        let Some(topology) = self.topology else { return };
        let members: Vec<_> = topology.members(None).iter().map(|operator| operator.name.as_str()).collect();
        if members.contains(&name) || !topology.operator_names().contains(&name) {
            return self.operator(name, at);
        }
        let problem = Problem::at_value(at, format!("`{name}` is no operator of the AVS `{FIRST_AVS}`"));
        let of = format!("the step is about performers for `{FIRST_AVS}`, whose operators are {}", members.join(", "));
        self.problems.add(problem.label("has no such performer").help(of));
    }

    /// Adds the problem of an operator that cannot sign a task, because it is not of the task's AVS.
    pub(crate) fn signer(&mut self, name: &str, task: &str, at: &Pointer) {
        let (Some(topology), Some(avs)) = (self.topology, self.avs_of_task.get(task)) else {
            return self.operator(name, at);
        };
        let members: Vec<_> = topology.members(avs.as_deref()).iter().map(|operator| operator.name.as_str()).collect();
        if members.is_empty() || members.contains(&name) {
            return;
        }
        if topology.operator_names().contains(&name) {
            let avs = avs.as_deref().unwrap_or(FIRST_AVS);
            let problem = Problem::at_value(at, format!("`{name}` is no operator of the AVS `{avs}`"));
            let of = format!("the task `{task}` is of `{avs}`, whose operators are {}", members.join(", "));
            self.problems.add(problem.label("cannot sign").help(of));
        } else {
            self.operator(name, at);
        }
    }

    /// Adds the problem of a component that the scenario does not have.
    pub(crate) fn component(&mut self, component: &ComponentRef, at: &Pointer) {
        let (Some(topology), Some(operator)) = (self.topology, component.operator()) else { return };
        let ComponentRef::Performer(performer) = component else { return self.operator(operator, at) };
        if !topology.operator_names().contains(&operator) {
            return self.operator(operator, at);
        }
        if topology.member(performer).is_none() {
            let name = component.to_string();
            let problem = Problem::at_value(at, format!("there is no performer called `{name}`")).label("meant here");
            let known: Vec<_> = topology.performers().map(|(one, _)| format!("performer/{one}")).collect();
            self.problems.add_misspelt(problem, &name, "performers", known.iter().map(String::as_str));
        }
    }

    /// Adds the problem of an AVS that the scenario does not have.
    pub(crate) fn avs(&mut self, name: &str, at: &Pointer) {
        let Some(topology) = self.topology else { return };
        let known: Vec<_> = topology.avs_names().map(|avs| avs.unwrap_or(FIRST_AVS)).collect();
        if !known.contains(&name) {
            let problem = Problem::at_value(at, format!("there is no AVS called `{name}`")).label("meant here");
            self.problems.add_misspelt(problem, name, "AVSs", known.iter().copied());
        }
    }
}
