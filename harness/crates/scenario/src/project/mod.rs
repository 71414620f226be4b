//! The project file: where the scenarios of a repository are, and what all of them have in common.
//!
//! It is found upwards from the current folder, or else from the scenarios that are named, read, checked like a scenario, and put under each scenario when that is
//! loaded: whatever the scenario says itself, counts.

mod defaults;
mod document;
mod find;
mod paths;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hourglass_component::document::{DocumentError, Pointer, Problem, Problems, Schema, Tree};
use serde_json::Value;

pub use document::{PrepareCommand, ProjectDocument};
pub use find::FILE_NAME;

use super::error::ScenarioError;
use super::load::read;
use super::plain_scalars;
use super::{check, check_components, check_performers, check_runtimes, contracts, deploy_scripts, replace};

/// A project file without problems.
#[derive(Debug, Clone)]
pub struct Project {
    /// The file.
    pub path: PathBuf,
    /// Its folder: relative paths start there, and so do the commands of components.
    pub folder: PathBuf,
    /// What it says.
    pub document: ProjectDocument,
    /// `topology` as written, so that it is known which keys are given.
    topology: Value,
}

impl Project {
    /// The project at `file` or, without one, that of the current folder or of the nearest folder above it; if there is none,
    /// that of the scenario files and folders that are `named`. `None` if they have none either.
    pub fn locate(file: Option<&Path>, named: &[PathBuf]) -> Result<Option<Arc<Self>>, ScenarioError> {
        let path = match file {
            Some(file) => Some(file.to_owned()),
            None => find::of(named)?,
        };
        Ok(path.map(|path| Self::load(&path)).transpose()?.map(Arc::new))
    }

    /// Loads the file at `path`. On failure the error contains all of its problems.
    pub fn load(path: &Path) -> Result<Self, DocumentError> {
        let text = read(path).map_err(|source| DocumentError::Read { path: path.to_owned(), source })?;
        let written = Tree::parse(path.display().to_string(), text)?;
        let tree = plain_scalars::environments_as_written(&written);
        let mut problems = Problems::new();
        let document = Schema::<ProjectDocument>::new()?.read(&tree, &mut problems);
        let path = std::path::absolute(path).map_err(|source| DocumentError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(&path).to_owned();
        if let Some(document) = &document {
            check(document, &path, &folder, &mut problems);
        }
        let mut topology = tree.value()["topology"].clone();
        paths::of_operators(&mut topology, &folder);
        let project = document.map(|mut document| {
            paths::of_components(&mut document.components, &folder);
            for contract in document.contracts.values_mut() {
                contract.artifact = folder.join(&contract.artifact);
            }
            for replacement in document.replace.values_mut() {
                replacement.artifact = folder.join(&replacement.artifact);
            }
            for script in document.deploy_scripts.iter_mut().flatten() {
                script.folder = Some(folder.clone());
            }
            Self { path, folder, document, topology }
        });
        tree.judge(project, problems)
    }

    /// The folder of its scenarios; relative to the current folder if it is below that, as people write it.
    pub fn scenarios(&self) -> PathBuf {
        let name = self.document.scenarios.as_deref().unwrap_or(Path::new(super::select::DEFAULT_DIRECTORY));
        let path = self.folder.join(name);
        let current = std::env::current_dir().ok();
        let below = current.and_then(|current| path.strip_prefix(current).map(Path::to_owned).ok());
        below.map_or(path, |below| if below.as_os_str().is_empty() { ".".into() } else { below })
    }
}

/// Adds every problem of `document`, which was read from the file at `path` in `folder`. What concerns scenarios is checked as in a
/// scenario: a mistake here would otherwise be a problem of each of them.
fn check(document: &ProjectDocument, path: &Path, folder: &Path, problems: &mut Problems) {
    let root = Pointer::root();
    let scenario = document.as_scenario();
    check_components::check(&scenario, path, problems);
    check_performers::check(&scenario, path, problems);
    check_runtimes::check(&scenario, "project", problems);
    contracts::check(&scenario, folder, problems);
    replace::check(&scenario, folder, problems);
    deploy_scripts::check(&scenario, folder, problems);
    check::topology(&scenario, &root.key("topology"), problems);
    if let Some(scenarios) = &document.scenarios
        && !folder.join(scenarios).is_dir()
    {
        let message = format!("the folder of scenarios `{}` does not exist", folder.join(scenarios).display());
        problems.add(
            Problem::at_value(&root.key("scenarios"), message)
                .label("no such folder")
                .help("create it, or name the folder with the scenarios; paths start at the folder of this file"),
        );
    }
    for (index, command) in document.prepare.iter().enumerate() {
        let at = root.key("prepare").item(index);
        if command.within.is_some_and(|within| within.is_zero()) {
            problems.add(super::limits::no_time(&at.key("within"), "within"));
        }
        if command.creates.is_none() && !command.inputs.is_empty() {
            problems.add(
                Problem::at_key(&at.key("inputs"), "`inputs` has no effect without `creates`")
                    .label("nothing to compare with")
                    .help(
                        "name what the command makes in `creates`, or take `inputs` away: the command then always runs",
                    ),
            );
        }
    }
}
