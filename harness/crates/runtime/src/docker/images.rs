//! The images of a trial, all present before anything is started.

use std::collections::BTreeMap;

use hourglass_chain::AnvilBinary;
use hourglass_engine::{Engine, EngineContext as _};
use hourglass_image as image;
use hourglass_scenario::{ComponentRef, Scenario};

use crate::{HarnessExecutable, RuntimeError};

/// The images of a trial's containers.
#[derive(Debug, Clone)]
pub struct DockerImages {
    /// The image of the reference components.
    pub components: String,
    /// The image of Anvil.
    pub anvil: String,
    /// The commands of the user's images.
    commands: BTreeMap<String, Vec<String>>,
}

impl DockerImages {
    /// Checks that the user's images exist, and delivers the harness's own.
    pub async fn prepare(
        engine: &Engine,
        scenario: &Scenario,
        executable: &HarnessExecutable,
        anvil: &AnvilBinary,
    ) -> Result<Self, RuntimeError> {
        let commands = commands(engine, scenario).await?;
        let (components, anvil) = tokio::try_join!(
            image::deliver_components(engine, &executable.0),
            image::deliver_anvil(engine, &anvil.path)
        )?;
        Ok(Self { components: components.reference, anvil: anvil.reference, commands })
    }

    /// The command of a user's image, without its entrypoint.
    pub(super) fn arguments_of(&self, image: &str) -> Vec<String> {
        self.commands.get(image).cloned().unwrap_or_default()
    }
}

/// The commands of the user's images, which must all be in the engine.
pub(crate) async fn commands(
    engine: &Engine,
    scenario: &Scenario,
) -> Result<BTreeMap<String, Vec<String>>, RuntimeError> {
    refuse_commands(scenario)?;
    let mut commands = BTreeMap::new();
    for (component, image) in replaced(scenario) {
        image::require(engine, image, &component).await?;
        let inspected = engine.docker().inspect_image(image).await.context(|| format!("inspect image {image}"))?;
        let command = inspected.config.and_then(|config| config.cmd).unwrap_or_default();
        commands.insert(image.to_owned(), command);
    }
    Ok(commands)
}

/// A command that is not run would silently leave the reference component in its place.
fn refuse_commands(scenario: &Scenario) -> Result<(), RuntimeError> {
    let shared = &scenario.components;
    let shared = [("aggregator", &shared.aggregator), ("executor", &shared.executor)];
    let shared = shared.into_iter().map(|(name, component)| (name.to_owned(), component));
    let own = scenario
        .topology
        .operators
        .iter()
        .map(|operator| (ComponentRef::Performer(operator.name.clone()).to_string(), &operator.performer));
    let mut all = shared.chain(own);
    match all.find(|(_, component)| component.command.is_some() && component.image.is_none()) {
        None => Ok(()),
        Some((component, _)) => Err(RuntimeError::Unsupported {
            runtime: "docker or kubernetes",
            reason: format!("{component} is given as a command only; give it an `image` too"),
        }),
    }
}

/// The components that the user replaced with an image.
pub(crate) fn replaced(scenario: &Scenario) -> impl Iterator<Item = (String, &str)> {
    let shared = &scenario.components;
    let shared = [
        ("aggregator", &shared.aggregator.image),
        ("executor", &shared.executor.image),
        ("performer", &shared.performer.image),
    ];
    let shared = shared.into_iter().map(|(component, image)| (component.to_owned(), image));
    let own = scenario.topology.operators.iter().map(|operator| {
        let performer = ComponentRef::Performer(operator.name.clone());
        (performer.to_string(), &operator.performer.image)
    });
    shared.chain(own).filter_map(|(component, image)| Some((component, image.as_deref()?)))
}
