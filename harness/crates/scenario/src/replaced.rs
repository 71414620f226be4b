//! Which programs of the user replace reference components, on each runtime.

use hourglass_base::ProgramSource;

use super::error::ScenarioError;
use super::model::{Component, Scenario};
use super::texts::ComponentRef;
use super::trial::Trial;
use super::values::RuntimeKind;

impl Component {
    /// Whether a program of the user is given for any runtime.
    fn is_given(&self) -> bool {
        RuntimeKind::ALL.iter().any(|runtime| self.is_replaced_on(*runtime))
    }

    /// Whether a program of the user replaces the reference component: processes are started from a command or run already,
    /// containers are started from an image or from one that is built.
    pub fn is_replaced_on(&self, runtime: RuntimeKind) -> bool {
        match runtime.capabilities().programs {
            ProgramSource::Command => self.command.is_some() || self.address.is_some(),
            ProgramSource::Image => self.image.is_some() || self.build.is_some(),
        }
    }
}

impl Scenario {
    /// The scenario's definition of a component; `None` if it has no such operator.
    pub fn component(&self, component: &ComponentRef) -> Option<&Component> {
        match component {
            ComponentRef::Aggregator => Some(&self.components.aggregator),
            ComponentRef::Executor(_) => Some(&self.components.executor),
            ComponentRef::Performer(performer) => Some(&self.topology.member(performer)?.performer),
        }
    }

    /// Whether a program of the user replaces the reference component.
    pub fn is_replaced(&self, component: &ComponentRef, runtime: RuntimeKind) -> bool {
        self.component(component).is_some_and(|component| component.is_replaced_on(runtime))
    }

    fn every_component(&self) -> Vec<ComponentRef> {
        let executors = self.topology.operator_names().into_iter().map(|name| ComponentRef::Executor(name.to_owned()));
        let performers = self.topology.performers().map(|(performer, _)| ComponentRef::Performer(performer));
        std::iter::once(ComponentRef::Aggregator).chain(executors).chain(performers).collect()
    }
}

/// Refuses trials that would run the reference component although the scenario names another program: a command in
/// containers, or an image as a process. Such a trial would pass and say nothing about that program.
pub fn check_components(trials: &[Trial]) -> Result<(), ScenarioError> {
    for Trial { name, scenario, runtime, .. } in trials {
        for component in scenario.every_component() {
            let Some(given) = scenario.component(&component) else { continue };
            let is_given = given.is_given();
            if !is_given || given.is_replaced_on(*runtime) {
                continue;
            }
            let (trial, runtime) = (name.clone(), *runtime);
            return Err(match runtime.capabilities().programs {
                ProgramSource::Command => ScenarioError::ImageOfProcess { component, trial },
                ProgramSource::Image => {
                    let option = match component {
                        ComponentRef::Aggregator => "--aggregator-image",
                        ComponentRef::Executor(_) => "--executor-image",
                        ComponentRef::Performer(_) => "--performer-image",
                    };
                    ScenarioError::CommandOfContainer { component, trial, runtime, option }
                }
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use RuntimeKind::{Docker, Kubernetes, Process};

    use super::*;
    use crate::Loader;

    fn trials(runtime: RuntimeKind, components: &str) -> Vec<Trial> {
        let text = format!(
            "name: own\ndescription: A user's own.\n{components}steps:\n  - create_task: {{payload: \"1\"}}\n  \
             - expect_verified: {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[runtime])
    }

    /// A green trial of the reference performer would be taken for one of the user's.
    #[rstest::rstest]
    #[case::reference("", &[Process, Docker, Kubernetes])]
    #[case::command("components: {performer: {command: [mine]}}\n", &[Process])]
    #[case::command_of_one("topology: {operators: [{name: a}, {name: b, performer: {command: [mine]}}]}\n", &[Process])]
    #[case::both("components: {aggregator: {command: [mine], image: mine}}\n", &[Process, Docker, Kubernetes])]
    #[case::executor("components: {executor: {command: [mine]}}\n", &[Process])]
    fn a_program_that_would_not_be_run_is_refused(#[case] components: &str, #[case] run_on: &[RuntimeKind]) {
        for runtime in RuntimeKind::ALL {
            let checked = check_components(&trials(runtime, components));
            assert_eq!(checked.is_ok(), run_on.contains(&runtime), "{components} on {runtime}: {checked:?}");
        }
    }

    #[test]
    fn the_remedy_is_an_image() {
        let error = check_components(&trials(Docker, "components: {performer: {command: [mine]}}\n")).unwrap_err();
        let expected = "failed to use the command of performer/operator in docker::own: the docker runtime runs images";
        assert_eq!(error.to_string(), expected);
        assert!(miette::Diagnostic::help(&error).unwrap().to_string().contains("--performer-image"));
    }
}
