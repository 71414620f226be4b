//! The scenarios that are watched, with what they depend on, at one moment.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use hourglass_base::{RuntimeKind, cache::cache_folder};
use hourglass_component::document::DocumentError;
use hourglass_project::watch::{Inputs, Snapshot, WatchError, resolved};
use hourglass_runner::RunFolders;
use hourglass_scenario::{Project, ScenarioFile, Selection, Trial};

use crate::cli::CliError;

/// Scenarios that cannot be loaded, each with its file.
pub(super) type Broken = Vec<(PathBuf, DocumentError)>;

/// The watched scenarios.
#[derive(Debug)]
pub(super) struct View {
    scenarios: Vec<Watched>,
    project: Option<Arc<Project>>,
    of_project: Inputs,
    left_out: BTreeSet<PathBuf>,
    pub(super) snapshot: Snapshot,
}

/// A scenario that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    /// Its file, as the selection names it.
    pub(super) path: PathBuf,
    /// The same as it is compared.
    file: PathBuf,
    inputs: Inputs,
    /// `None` if it cannot be loaded.
    loaded: Option<ScenarioFile>,
}

/// The scenarios that changes touch.
#[derive(Debug)]
pub(super) struct Touched<'a> {
    /// Those that can run.
    pub(super) good: Vec<&'a Watched>,
    /// The files of the others.
    pub(super) broken: BTreeSet<PathBuf>,
}

impl View {
    /// The scenarios of a selection that has not read its project yet, and those of them that cannot be loaded. What a
    /// broken scenario depended on before is still watched.
    pub(super) fn take(selection: impl Fn() -> Selection, before: Option<&Self>) -> Result<(Self, Broken), CliError> {
        let (first, _) = Self::read(&selection(), before)?;
        let snapshot = first.look(before.map(|before| &before.snapshot))?;
        // Again, now that it is known which files belong to it: what changes after it was read differs from the snapshot, which is
        // older, and is found at the next look.
        let (view, broken) = Self::read(&selection(), before)?;
        Ok((Self { snapshot, ..view }, broken))
    }

    /// Reads project and scenarios, without a snapshot.
    fn read(selection: &Selection, before: Option<&Self>) -> Result<(Self, Broken), CliError> {
        let project = selection.project()?;
        let (paths, _) = selection.files()?;
        let mut errors = Vec::new();
        let mut files = selection.load(&paths, &mut errors)?.into_iter().peekable();
        // Each path has led to a file or to an error, in their order.
        let mut errors = errors.into_iter();
        let folder = match &project {
            Some(project) => project.folder.clone(),
            None => env::current_dir().unwrap_or_default(),
        };
        let (mut scenarios, mut broken) = (Vec::new(), Broken::new());
        for path in paths {
            let file = resolved(&path);
            let loaded = files.next_if(|loaded| *loaded.path == *path);
            let inputs = if let Some(loaded) = &loaded {
                let scenarios = loaded.variants.iter().map(|variant| &*variant.scenario);
                Inputs::of_scenario(&path, scenarios, &folder)
            } else {
                broken.extend(errors.next().map(|error| (file.clone(), error)));
                let known = before.and_then(|before| before.find(&file));
                known.map_or_else(|| Inputs::of_file(&path), |known| known.inputs.clone())
            };
            scenarios.push(Watched { path, file, inputs, loaded });
        }
        let of_project = project.as_deref().map(Inputs::of_project).unwrap_or_default();
        let left_out = left_out(project.as_deref());
        Ok((Self { scenarios, project, of_project, left_out, snapshot: Snapshot::default() }, broken))
    }

    /// Looks at the same files again; returns those that have changed.
    pub(super) fn look_again(&mut self) -> Result<Vec<PathBuf>, WatchError> {
        let now = self.look(Some(&self.snapshot))?;
        let changes = now.changes_since(&self.snapshot);
        self.snapshot = now;
        Ok(changes)
    }

    /// Takes what a run has built for itself as it is now: it uses that.
    pub(super) fn accept_built(&mut self) {
        let programs = self.scenarios.iter().flat_map(|scenario| scenario.inputs.programs.iter().cloned()).collect();
        // What cannot be looked at is looked at again after the run.
        if let Ok(now) = self.look(Some(&self.snapshot)) {
            self.snapshot.accept_built(now, &programs);
        }
    }

    /// How many scenarios are watched.
    pub(super) fn len(&self) -> usize {
        self.scenarios.len()
    }

    pub(super) fn project(&self) -> Option<&Project> {
        self.project.as_deref()
    }

    /// All trials of the scenarios that can be loaded.
    pub(super) fn trials(&self) -> Vec<Trial> {
        let files = self.scenarios.iter().filter_map(|scenario| scenario.loaded.as_ref());
        files.flat_map(|file| file.trials(&RuntimeKind::ALL)).collect()
    }

    /// The scenarios that these changes touch, by what they depend on now and by what they depended on before.
    pub(super) fn touched(&self, before: &Self, changes: &[PathBuf]) -> Touched<'_> {
        let project = self.of_project.clone().and(&before.of_project);
        // Scenarios may be in a folder of sources, and touch no other for that.
        let is_scenario = |path: &Path| self.find(path).or_else(|| before.find(path)).is_some();
        let touches = |scenario: &&Watched| {
            let inputs = match before.find(&scenario.file) {
                Some(known) => scenario.inputs.clone().and(&known.inputs),
                None => scenario.inputs.clone(),
            };
            changes.iter().any(|path| {
                inputs.name(path)
                    || project.name(path)
                    || (!is_scenario(path) && (inputs.contain(path) || project.contain(path)))
            })
        };
        let (good, broken): (Vec<_>, Vec<_>) =
            self.scenarios.iter().filter(touches).partition(|scenario| scenario.loaded.is_some());
        Touched { good, broken: broken.into_iter().map(|scenario| scenario.file.clone()).collect() }
    }

    fn find(&self, file: &Path) -> Option<&Watched> {
        self.scenarios.iter().find(|scenario| scenario.file == file)
    }

    fn look(&self, before: Option<&Snapshot>) -> Result<Snapshot, WatchError> {
        let inputs = self.scenarios.iter().fold(self.of_project.clone(), |all, scenario| all.and(&scenario.inputs));
        Snapshot::take(&inputs, &self.left_out, before)
    }
}

impl Watched {
    pub(super) fn has_variable(&self, name: &str) -> bool {
        let variants = self.loaded.iter().flat_map(|file| &file.variants);
        variants.into_iter().any(|variant| variant.scenario.variables.contains_key(name))
    }
}

/// What runs write: a run must not cause the next one.
fn left_out(project: Option<&Project>) -> BTreeSet<PathBuf> {
    let created = project.into_iter().flat_map(|project| {
        let creates = project.document.prepare.iter().filter_map(|command| command.creates.as_ref());
        creates.map(|path| project.folder.join(path))
    });
    let own = [Some(RunFolders::locate().root().to_owned()), cache_folder().ok()];
    created.chain(own.into_iter().flatten()).map(|path| resolved(&path)).collect()
}
