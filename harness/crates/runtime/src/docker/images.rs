//! The images of a trial, all present before anything is started.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use hourglass_chain::AnvilBinary;
use hourglass_engine::{Engine, EngineContext as _};
use hourglass_image::{self as image, BuildSource, PullWhen};
use hourglass_scenario::{Build, Component, ComponentRef, Pull, Scenario};

use crate::{HarnessExecutable, RuntimeError};

/// The images of a trial's containers.
#[derive(Debug, Clone)]
pub struct DockerImages {
    /// The image of the reference components.
    pub components: String,
    /// The image of Anvil.
    pub anvil: String,
    /// The user's own.
    pub(super) own: OwnImages,
}

/// The user's images, all in the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnImages {
    /// Their commands.
    commands: BTreeMap<String, Vec<String>>,
    /// The names of those that were built.
    built: BTreeMap<BuildSource, String>,
}

impl OwnImages {
    /// The command of an image, without its entrypoint; it is unknown if the image is out of reach.
    pub(crate) fn arguments_of(&self, image: &str) -> Vec<String> {
        self.commands.get(image).cloned().unwrap_or_default()
    }

    /// The image of a performer; `None` for the reference performer.
    pub(crate) fn of_performer<'a>(&'a self, performer: &'a Component) -> Option<&'a str> {
        match &performer.build {
            Some(build) => self.built.get(&source(build)).map(String::as_str),
            None => performer.image.as_deref(),
        }
    }

    /// All of them, each with a component that needs it.
    pub(crate) fn needed<'a>(&'a self, scenario: &'a Scenario) -> impl Iterator<Item = (String, &'a str)> {
        let built = builds(scenario)
            .into_iter()
            .filter_map(move |(component, build)| Some((component, self.built.get(&source(build))?.as_str())));
        replaced(scenario).map(|(component, image, _)| (component, image)).chain(built)
    }
}

impl DockerImages {
    /// Pulls, builds and checks the user's images, and delivers the harness's own.
    pub async fn prepare(
        engine: &Engine,
        scenario: &Scenario,
        executable: &HarnessExecutable,
        anvil: &AnvilBinary,
    ) -> Result<Self, RuntimeError> {
        let own = own_images(engine, scenario).await?;
        let (components, anvil) = tokio::try_join!(
            image::deliver_components(engine, &executable.0),
            image::deliver_anvil(engine, &anvil.path)
        )?;
        Ok(Self { components: components.reference, anvil: anvil.reference, own })
    }
}

/// Pulls and builds the user's images where the scenario says so; afterwards all must be in the engine.
pub(crate) async fn own_images(engine: &Engine, scenario: &Scenario) -> Result<OwnImages, RuntimeError> {
    refuse_commands(scenario)?;
    let mut own = OwnImages::default();
    let mut pulled = BTreeSet::new();
    for (component, image, pull) in replaced(scenario) {
        let when = match pull {
            None | Some(Pull::Never) => None,
            Some(Pull::Missing) => Some(PullWhen::Missing),
            Some(Pull::Always) => Some(PullWhen::Always),
        };
        if let Some(when) = when
            && pulled.insert(image)
        {
            image::pull(engine, image, &component, when).await?;
        }
    }
    for (component, build) in builds(scenario) {
        if let Entry::Vacant(entry) = own.built.entry(source(build)) {
            let reference = image::build(engine, entry.key(), &component).await?;
            entry.insert(reference);
        }
    }
    let needed: Vec<_> = own.needed(scenario).map(|(component, image)| (component, image.to_owned())).collect();
    for (component, image) in &needed {
        image::require(engine, image, component).await?;
        let inspected = engine.docker().inspect_image(image).await.context(|| format!("inspect image {image}"))?;
        let command = inspected.config.and_then(|config| config.cmd).unwrap_or_default();
        own.commands.insert(image.clone(), command);
    }
    Ok(own)
}

/// A command that is not run would silently leave the reference component in its place.
fn refuse_commands(scenario: &Scenario) -> Result<(), RuntimeError> {
    let shared = &scenario.components;
    let shared = [("aggregator", &shared.aggregator), ("executor", &shared.executor)];
    let shared = shared.into_iter().map(|(name, component)| (name.to_owned(), component));
    let own = scenario.topology.performers();
    let own = own.map(|(name, operator)| (ComponentRef::Performer(name).to_string(), &operator.performer));
    let mut all = shared.chain(own);
    match all
        .find(|(_, component)| component.command.is_some() && component.image.is_none() && component.build.is_none())
    {
        None => Ok(()),
        Some((component, _)) => Err(RuntimeError::Unsupported {
            runtime: "docker or kubernetes",
            reason: format!("{component} is given as a command only; give it an `image` or a `build` too"),
        }),
    }
}

fn source(build: &Build) -> BuildSource {
    let Build { context, dockerfile, target, args } = build.clone();
    BuildSource { context, dockerfile, target, args }
}

/// The performers whose images are built.
fn builds(scenario: &Scenario) -> Vec<(String, &Build)> {
    let performers = scenario.topology.performers();
    let built = performers.filter_map(|(name, operator)| {
        Some((ComponentRef::Performer(name).to_string(), operator.performer.build.as_ref()?))
    });
    built.collect()
}

/// The components that the user replaced with an image, and when it is pulled.
fn replaced(scenario: &Scenario) -> impl Iterator<Item = (String, &str, Option<Pull>)> {
    let shared = &scenario.components;
    let shared = [("aggregator", &shared.aggregator), ("executor", &shared.executor), ("performer", &shared.performer)];
    let shared = shared.into_iter().map(|(name, component)| (name.to_owned(), component));
    let own = scenario.topology.performers();
    let own = own.map(|(name, operator)| (ComponentRef::Performer(name).to_string(), &operator.performer));
    shared.chain(own).filter_map(|(name, component)| Some((name, component.image.as_deref()?, component.pull)))
}
