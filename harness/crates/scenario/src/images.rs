//! Images from the command line, which override those of the scenarios.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use hourglass_base::ProgramSource;

use super::error::ScenarioError;
use super::model::{Component, Scenario};
use super::own_programs::{self, Demand};
use super::trial::Trial;

/// Images to use in place of the scenarios' own.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Images {
    /// The performer's image, in place of `components.performer.image`
    #[arg(long = "performer-image", value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub performer: Option<String>,
    /// The executor's image, in place of `components.executor.image`
    #[arg(long = "executor-image", value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub executor: Option<String>,
    /// The aggregator's image, in place of `components.aggregator.image`
    #[arg(long = "aggregator-image", value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub aggregator: Option<String>,
}

impl Images {
    /// The trials with these images. Fails if one of them has no effect: on no trial, or not on a trial of the process
    /// runtime, which has no images, unless the scenario gives it a command for the component.
    pub fn over(&self, mut trials: Vec<Trial>) -> Result<Vec<Trial>, ScenarioError> {
        for (option, image, of) in self.each() {
            if image.is_some() {
                effective(option, of, &trials)?;
            }
        }
        if self.each().iter().all(|(_, image, _)| image.is_none()) {
            return Ok(trials);
        }
        for trial in &mut trials {
            trial.scenario = Arc::new(self.scenario(&trial.scenario));
            trial.fault_free = trial.fault_free.as_ref().map(|scenario| Arc::new(self.scenario(scenario)));
        }
        Ok(trials)
    }

    /// What programs in these images have to do in the trials that have them, where the public programs do not: what `lint` says of
    /// images in scenarios. One sentence for each option and demand.
    pub fn warnings(&self, trials: &[Trial]) -> Vec<String> {
        let (mut known, mut warnings) = (BTreeSet::new(), Vec::new());
        for trial in trials.iter().filter(|trial| trial.runtime.capabilities().programs != ProgramSource::Command) {
            let Scenario { components, topology, .. } = &*trial.scenario;
            let demands = [
                ("executor", &self.executor, own_programs::of_executor(topology)),
                ("executor", &self.executor, own_programs::of_executor_with_files(components, topology)),
                ("aggregator", &self.aggregator, own_programs::of_aggregator(topology)),
            ];
            for (component, image, demand) in demands {
                let (Some(image), Some(Demand { has_to, remedy })) = (image, demand) else { continue };
                if known.insert((component, has_to)) {
                    let option = format!("--{component}-image {image}");
                    let name = &trial.name;
                    warnings.push(format!("warning: {option}: this {component} {has_to} in {name}; {remedy}"));
                }
            }
        }
        warnings
    }

    /// The options of these images that `trial` would take alone, with their values.
    pub fn options(&self, trial: &Trial) -> Vec<(&'static str, String)> {
        let alone = std::slice::from_ref(trial);
        let given = self.each().into_iter().filter(|&(option, _, of)| effective(option, of, alone).is_ok());
        given.filter_map(|(option, image, _)| Some((option, image.clone()?))).collect()
    }

    fn each(&self) -> [(&'static str, &Option<String>, Of); 3] {
        [
            ("--performer-image", &self.performer, Of::Performers),
            ("--executor-image", &self.executor, Of::Executor),
            ("--aggregator-image", &self.aggregator, Of::Aggregator),
        ]
    }

    fn scenario(&self, scenario: &Scenario) -> Scenario {
        let mut scenario = scenario.clone();
        let shared = scenario.components.performer.clone();
        if self.performer.is_some() {
            // An operator's own image is kept; the common one was merged into each.
            for performer in scenario.topology.performers_mut().filter(|one| is_of(&shared, one)) {
                performer.image.clone_from(&self.performer);
                performer.build = None;
            }
        }
        let components = &mut scenario.components;
        for (component, image) in [
            (&mut components.performer, &self.performer),
            (&mut components.executor, &self.executor),
            (&mut components.aggregator, &self.aggregator),
        ] {
            if image.is_some() {
                component.image.clone_from(image);
                component.build = None;
            }
        }
        scenario
    }
}

/// The component of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Performers,
    Executor,
    Aggregator,
}

impl Of {
    /// The components of a scenario that would use the image.
    fn components(self, scenario: &Scenario) -> Vec<&Component> {
        let components = &scenario.components;
        match self {
            // An operator's own image is kept.
            Self::Performers => scenario
                .topology
                .performers()
                .map(|(_, operator)| &operator.performer)
                .filter(|performer| is_of(&components.performer, performer))
                .collect(),
            Self::Executor => vec![&components.executor],
            Self::Aggregator => vec![&components.aggregator],
        }
    }
}

/// Whether a performer has the image of all, or is built like all.
fn is_of(shared: &Component, performer: &Component) -> bool {
    performer.image == shared.image && performer.build == shared.build
}

/// Refuses an option that has no effect on the trials.
fn effective(option: &'static str, of: Of, trials: &[Trial]) -> Result<(), ScenarioError> {
    let without = |reason: String, remedy| Err(ScenarioError::WithoutEffect { option, reason, remedy });
    let (processes, containers): (Vec<_>, Vec<_>) =
        trials.iter().partition(|trial| trial.runtime.capabilities().programs == ProgramSource::Command);
    if containers.is_empty() {
        let reason = "all of the trials use the process runtime, which has no images".to_owned();
        return without(reason, "choose `--runtime docker` or `--runtime kubernetes`, or leave the option out");
    }
    if containers.iter().all(|trial| of.components(&trial.scenario).is_empty()) {
        let reason = "every operator of the trials has an image of its own".to_owned();
        return without(reason, "leave the option out, or take the images out of the scenario");
    }
    let lacks_command = |trial: &&&Trial| of.components(&trial.scenario).iter().any(|one| one.command.is_none());
    match processes.iter().find(lacks_command) {
        None => Ok(()),
        Some(trial) => without(
            format!("{} uses the process runtime, which has no images", trial.name),
            "leave the process runtime out, or give the component a `command` beside the image in the scenario",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Loader, values::RuntimeKind};

    fn trials(runtime: RuntimeKind, components: &str) -> Vec<Trial> {
        let text = format!(
            "name: own\ndescription: A user's own.\n{components}topology:\n  operators: [{{name: alice}}, {{name: bob, \
             performer: {{image: bobs, command: [bobs]}}}}]\nsteps:\n  - create_task: {{payload: \"1\"}}\n  - expect_verified: {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[runtime])
    }

    fn performer() -> Images {
        Images { performer: Some("mine:1".to_owned()), ..Images::default() }
    }

    /// If an image is not used, a run says something about another one.
    #[test]
    fn an_image_reaches_the_performers_that_have_none_of_their_own() {
        let trial = performer().over(trials(RuntimeKind::Docker, "")).unwrap().remove(0);
        let images: Vec<_> = trial.scenario.topology.operators.iter().map(|one| one.performer.image.clone()).collect();
        assert_eq!(images, [Some("mine:1".to_owned()), Some("bobs".to_owned())]);
        assert_eq!(trial.scenario.components.performer.image.as_deref(), Some("mine:1"));
        assert_eq!(trial.scenario.components.executor.image, None);
    }

    #[test]
    fn processes_have_no_images() {
        let refused = |trials: Vec<Trial>| performer().over(trials).unwrap_err().to_string();
        let all = "failed to use --performer-image: all of the trials use the process runtime, which has no images";
        let with_command = "components: {performer: {command: [mine]}}\n";
        assert_eq!(refused(trials(RuntimeKind::Process, "")), all);
        assert_eq!(refused(trials(RuntimeKind::Process, with_command)), all, "the command would run, not the image");
        let both =
            |components| [RuntimeKind::Process, RuntimeKind::Docker].map(|kind| trials(kind, components)).concat();
        let one = "failed to use --performer-image: process::own uses the process runtime, which has no images";
        assert_eq!(refused(both("")), one);
        performer().over(both(with_command)).unwrap();
        Images::default().over(trials(RuntimeKind::Process, "")).unwrap();
    }

    #[test]
    fn an_image_that_no_operator_would_use_is_refused() {
        let text = "name: own\ndescription: A user's own.\nruntimes: [docker, kubernetes]\nruntimes_because: Images.\n\
                    topology: {operators: [{name: a, performer: {image: mine}}]}\nsteps:\n  - create_task: {payload: \"1\"}\n  \
                    - expect_verified: {}\n";
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap();
        let error = performer().over(file.trials(&[RuntimeKind::Docker])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to use --performer-image: every operator of the trials has an image of its own"
        );
    }
}
