//! Images from the command line, put over those of the scenarios.

use std::sync::Arc;

use super::error::ScenarioError;
use super::model::{Component, Scenario};
use super::trial::Trial;
use super::values::RuntimeKind;

/// Images to use in place of the scenarios' own.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Images {
    /// The performer's image, in place of `components.performer.image`
    #[arg(long = "performer-image", value_name = "IMAGE")]
    pub performer: Option<String>,
    /// The executor's image, in place of `components.executor.image`
    #[arg(long = "executor-image", value_name = "IMAGE")]
    pub executor: Option<String>,
    /// The aggregator's image, in place of `components.aggregator.image`
    #[arg(long = "aggregator-image", value_name = "IMAGE")]
    pub aggregator: Option<String>,
}

impl Images {
    /// The trials with these images. Fails for a trial of the process runtime, which has no images, unless the
    /// scenario gives it a command for the component.
    pub fn over(&self, mut trials: Vec<Trial>) -> Result<Vec<Trial>, ScenarioError> {
        if [&self.performer, &self.executor, &self.aggregator].iter().all(|image| image.is_none()) {
            return Ok(trials);
        }
        for trial in &mut trials {
            if trial.runtime == RuntimeKind::Process {
                self.refuse(trial)?;
            }
            trial.scenario = Arc::new(self.scenario(&trial.scenario));
            trial.fault_free = trial.fault_free.as_ref().map(|scenario| Arc::new(self.scenario(scenario)));
        }
        Ok(trials)
    }

    fn refuse(&self, trial: &Trial) -> Result<(), ScenarioError> {
        let Scenario { components, topology, .. } = &*trial.scenario;
        let has_command = |component: &Component| component.command.is_some();
        let performers = topology.operators.iter().all(|operator| has_command(&operator.performer));
        for (option, image, has_command) in [
            ("--performer-image", &self.performer, performers),
            ("--executor-image", &self.executor, has_command(&components.executor)),
            ("--aggregator-image", &self.aggregator, has_command(&components.aggregator)),
        ] {
            if image.is_some() && !has_command {
                return Err(ScenarioError::ImageOfProcess { option, trial: trial.name.clone() });
            }
        }
        Ok(())
    }

    fn scenario(&self, scenario: &Scenario) -> Scenario {
        let mut scenario = scenario.clone();
        let shared = scenario.components.performer.image.clone();
        if self.performer.is_some() {
            // An operator's own image is its own matter; what stands for all of them was merged into each.
            for operator in scenario.topology.operators.iter_mut().filter(|one| one.performer.image == shared) {
                operator.performer.image.clone_from(&self.performer);
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
            }
        }
        scenario
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::Loader;

    fn trials(runtime: RuntimeKind, components: &str) -> Vec<Trial> {
        let text = format!(
            "name: own\ndescription: A user's own.\n{components}topology:\n  operators: [{{name: alice}}, {{name: bob, \
             performer: {{image: bobs}}}}]\nsteps:\n  - create_task: {{payload: \"1\"}}\n  - expect_verified: {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[runtime])
    }

    fn performer() -> Images {
        Images { performer: Some("mine:1".to_owned()), ..Images::default() }
    }

    /// An image that is not used would make a run say something about another one.
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
        let error = performer().over(trials(RuntimeKind::Process, "")).unwrap_err();
        assert_eq!(error.to_string(), "use --performer-image in process::own: the process runtime has no images");
        let with_command = "components: {performer: {command: [mine]}}\n";
        performer().over(trials(RuntimeKind::Process, with_command)).unwrap();
        Images::default().over(trials(RuntimeKind::Process, "")).unwrap();
    }
}
