//! Environments without steps: those of a scenario, and those of a project alone.

use std::path::Path;
use std::sync::Arc;

use super::error::ScenarioError;
use super::load::Loader;
use super::project::Project;
use super::replace::ContractFile;
use super::trial::Trial;
use super::values::RuntimeKind;

/// What a scenario requires and an environment lacks: a step, and an expectation.
const PLACEHOLDER: &str = "description: An environment.\nsteps: [{create_task: {payload: x}}, {expect_verified: {}}]\n";

impl Trial {
    /// The environment of this trial alone.
    #[must_use]
    pub fn without_steps(mut self) -> Self {
        let scenario = Arc::make_mut(&mut self.scenario);
        // No step of the scenario runs that would bring these about.
        scenario.invariants.expected_ends.clear();
        scenario.steps.clear();
        self.exclusive_cluster = false;
        self
    }

    /// An environment with what the scenarios of a project have in common; without a project, with the defaults. `contracts` are
    /// put in place of those of the harness.
    pub fn of_project(
        name: &str,
        project: Option<&Arc<Project>>,
        runtime: RuntimeKind,
        contracts: &[ContractFile],
    ) -> Result<Self, ScenarioError> {
        ContractFile::check_once(contracts)?;
        let mut loader = Loader::of(project.cloned())?.with_contracts(contracts.to_vec());
        let file = loader.parse(Path::new(name), format!("name: {name}\n{PLACEHOLDER}"))?;
        let mut trials = file.trials(&[runtime]);
        if trials.is_empty() {
            let document = project.map(|project| &project.document);
            return Err(ScenarioError::NotMeant {
                name: name.to_owned(),
                asked: vec![runtime],
                meant: document.and_then(|document| document.runtimes.clone()).unwrap_or_default(),
                because: document.and_then(|document| document.runtimes_because.clone()),
            });
        }
        // With one runtime and no matrix there is exactly one.
        let mut trial = trials.swap_remove(0);
        if let Some(project) = project {
            trial.path = project.path.as_path().into();
        }
        Ok(trial.without_steps())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> (tempfile::TempDir, Arc<Project>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("harness.yaml");
        std::fs::create_dir(folder.path().join("scenarios")).unwrap();
        std::fs::write(&path, text).unwrap();
        let project = Project::load(&path).unwrap();
        (folder, Arc::new(project))
    }

    #[test]
    fn an_environment_without_a_project_has_the_defaults() {
        let trial = Trial::of_project("devnet", None, RuntimeKind::Docker, &[]).unwrap();
        assert_eq!((trial.name.as_str(), trial.scenario.steps.len()), ("docker::devnet", 0));
        assert_eq!(trial.scenario.topology, super::super::Topology::default());
    }

    #[test]
    fn a_project_gives_topology_components_and_runtimes() {
        let text = "runtimes: [process]\nruntimes_because: No image.\ntopology: {operators: [{name: alice}, {name: bob}]}\n\
                    components: {performer: {environment: {COLOUR: blue}}}\n";
        let (_folder, project) = project(text);
        let trial = Trial::of_project("devnet", Some(&project), RuntimeKind::Process, &[]).unwrap();
        let operators = &trial.scenario.topology.operators;
        assert_eq!(operators.iter().map(|operator| operator.name.as_str()).collect::<Vec<_>>(), ["alice", "bob"]);
        assert_eq!(trial.scenario.components.performer.environment["COLOUR"], "blue");
        assert_eq!(*trial.path, *project.path);
        let refused = Trial::of_project("devnet", Some(&project), RuntimeKind::Docker, &[]);
        assert!(matches!(refused, Err(ScenarioError::NotMeant { .. })), "{refused:?}");
    }
}
