//! A checked document → the scenario that runs.

use std::path::Path;
use std::sync::Arc;

use hourglass_component::document::{Pointer, Tree};

use super::contracts;
use super::deploy_scripts::DeployScript;
use super::environment_file;
use super::limits::default_timeout;
use super::model::{Component, Components, Scenario, ScenarioDocument};
use super::replace;
use super::step::{Location, Step};
use super::steps::{StepDocument, StepKind};
use super::values::RuntimeKind;
use super::variables::Bindings;

pub(super) fn resolve(document: ScenarioDocument, variables: Bindings, path: &Arc<Path>, tree: &Tree) -> Scenario {
    let mut topology = document.topology;
    let mut components = document.components;
    // Paths of the file are relative to its folder.
    for build in
        topology.performers_mut().chain([&mut components.performer]).filter_map(|performer| performer.build.as_mut())
    {
        build.context = folder_of(path).join(&build.context);
    }
    let Components { performer, executor, aggregator } = &mut components;
    for component in topology.performers_mut().chain([performer, executor, aggregator]) {
        read_environment(component, folder_of(path));
    }
    for performer in topology.performers_mut() {
        *performer = components.performer.overlaid_with(performer);
    }
    for avs in &mut topology.avss {
        avs.threshold = Some(avs.threshold.unwrap_or(topology.threshold));
        avs.task_sla = Some(avs.task_sla.unwrap_or(topology.task_sla));
        avs.curve = Some(avs.curve.unwrap_or(topology.curve));
    }
    let mut runtimes = document.runtimes.unwrap_or_else(|| RuntimeKind::ALL.to_vec());
    runtimes.sort_unstable();
    runtimes.dedup();
    let steps = steps(&document.steps, &Pointer::from("/steps"), path, tree);
    Scenario {
        name: document.name,
        description: document.description,
        tags: document.tags,
        runtimes,
        runtimes_because: document.runtimes_because,
        variables,
        timeout: document.timeout.unwrap_or_else(|| default_timeout(&steps)),
        components,
        topology,
        contracts: contracts::resolve(&document.contracts, folder_of(path)),
        replacements: replace::resolve(document.replace, folder_of(path)),
        deploy_scripts: deploy_scripts(document.deploy_scripts, folder_of(path)),
        steps,
        invariants: document.invariants,
    }
}

/// The scripts, each with the folder in which it starts.
fn deploy_scripts(scripts: Option<Vec<DeployScript>>, folder: &Path) -> Vec<DeployScript> {
    // A program that starts elsewhere needs an absolute path.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut scripts = scripts.unwrap_or_default();
    for script in &mut scripts {
        script.folder.get_or_insert_with(|| folder.clone());
    }
    scripts
}

/// Puts the variables of a component's file below its own.
fn read_environment(component: &mut Component, folder: &Path) {
    let Some(file) = &mut component.environment_from else { return };
    *file = folder.join(&*file);
    // The checks have read it.
    let mut variables = environment_file::read(file).unwrap_or_default();
    variables.append(&mut component.environment);
    component.environment = variables;
}

/// The folder that paths of a scenario are relative to: that of its file, and the current one for a scenario of a Rust
/// test, which has no file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| folder.is_dir()).unwrap_or(Path::new(""))
}

fn steps(documents: &[StepDocument], at: &Pointer, path: &Arc<Path>, tree: &Tree) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if document.condition == Some(false) {
            continue;
        }
        let at = at.item(index);
        let kind = match &document.parallel {
            Some(branches) => Some(StepKind::Parallel(self::steps(branches, &at.key("parallel"), path, tree))),
            None => document.kinds().into_iter().next(),
        };
        // The checks have made sure that a kind is given.
        if let Some(mut kind) = kind {
            kind.fill_defaults();
            steps.push(Step {
                kind,
                name: document.name.clone(),
                location: Location { path: Arc::clone(path), line: tree.line(&at) },
            });
        }
    }
    steps
}
