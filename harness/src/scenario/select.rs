//! Which scenarios are meant: files, names, patterns, tags, runtimes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hourglass_component::document::{DocumentError, suggest};

use super::error::ScenarioError;
use super::load::{Loader, ScenarioFile};
use super::trial::Trial;
use super::values::RuntimeKind;

/// The folder with the scenarios where none is named.
pub const DEFAULT_DIRECTORY: &str = "scenarios";

/// Which trials are meant, as said on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selection {
    /// Scenario files, names of scenarios or trials, parts of names, or patterns with `*` [default: all]
    #[arg(value_name = "FILES|NAMES")]
    pub patterns: Vec<String>,
    /// Only scenarios with this tag (with one of them, if given several times)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only trials on this runtime
    #[arg(long = "runtime", value_name = "RUNTIME", value_delimiter = ',')]
    pub runtimes: Vec<RuntimeKind>,
    /// The folder with the scenarios [default: `scenarios` in the current folder]
    #[arg(long = "scenarios", value_name = "DIR", env = "HARNESS_SCENARIOS")]
    pub directory: Option<PathBuf>,
}

impl Selection {
    /// The trials that are meant, sorted by runtime and then as their files are.
    pub fn trials(&self) -> Result<Vec<Trial>, ScenarioError> {
        let (paths, names) = self.paths_and_names();
        let mut loader = Loader::new()?;
        let mut broken = Vec::new();
        let given = load(&mut loader, &paths, &mut broken);
        let mut trials = self.expand(&given);
        if paths.is_empty() || !names.is_empty() {
            let candidates = self.directory_trials(&mut loader, &names, &mut broken)?;
            trials.extend(candidates);
        }
        if !broken.is_empty() {
            return Err(ScenarioError::Invalid(broken));
        }
        trials.retain(|trial| self.has_tag(trial));
        trials.sort_by_key(|trial| trial.runtime);
        if trials.is_empty() {
            return Err(ScenarioError::NothingLeft(self.restrictions()));
        }
        Ok(trials)
    }

    /// The trials of the folder that `names` mean. Who names one scenario need not mend all the
    /// others first: files whose names have nothing in common with `names` may be broken.
    fn directory_trials(
        &self,
        loader: &mut Loader,
        names: &[&str],
        broken: &mut Vec<DocumentError>,
    ) -> Result<Vec<Trial>, ScenarioError> {
        let mut candidates = Vec::new();
        let mut others = Vec::new();
        let mut stems = Vec::new();
        for path in self.directory_files()? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match loader.load(&path) {
                Ok(file) => candidates.extend(self.expand(&[file])),
                Err(error) if concerns(&stem, names) => broken.push(error),
                Err(error) => others.push(error),
            }
            stems.push(stem);
        }
        if names.is_empty() {
            return Ok(candidates);
        }
        let mut chosen = vec![false; candidates.len()];
        for name in names {
            let matches = matcher(name, &candidates);
            let mut any = false;
            for (trial, chosen) in candidates.iter().zip(&mut chosen) {
                if matches(trial) {
                    (*chosen, any) = (true, true);
                }
            }
            // The name may mean a trial of a file that cannot be read.
            if !any && broken.is_empty() {
                broken.append(&mut others);
            }
            if !any && broken.is_empty() {
                return Err(no_match(name, &stems));
            }
        }
        Ok(candidates.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(trial, _)| trial).collect())
    }

    /// The files that are meant: those given and those with the stems given, or all of the folder.
    pub fn files(&self) -> Result<Vec<PathBuf>, ScenarioError> {
        let (mut paths, names) = self.paths_and_names();
        if paths.is_empty() || !names.is_empty() {
            let files = self.directory_files()?;
            let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let stems: Vec<_> = files.iter().map(stem).collect();
            if let Some(name) = names.iter().find(|name| !stems.iter().any(|stem| concerns(stem, &[name]))) {
                return Err(no_match(name, &stems));
            }
            paths.extend(files.into_iter().zip(stems).filter(|(_, stem)| concerns(stem, &names)).map(|(path, _)| path));
        }
        Ok(paths)
    }

    fn paths_and_names(&self) -> (Vec<PathBuf>, Vec<&str>) {
        let (paths, names): (Vec<_>, Vec<_>) =
            self.patterns.iter().map(String::as_str).partition(|pattern| is_file(pattern));
        (paths.into_iter().map(PathBuf::from).collect(), names)
    }

    fn directory_files(&self) -> Result<Vec<PathBuf>, ScenarioError> {
        let directory = self.directory.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIRECTORY));
        if !directory.is_dir() {
            return Err(ScenarioError::NoDirectory(directory));
        }
        let failed = |source| ScenarioError::ListDirectory { path: directory.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.to_str().is_some_and(is_file) {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() { Err(ScenarioError::EmptyDirectory(directory)) } else { Ok(files) }
    }

    fn expand(&self, files: &[ScenarioFile]) -> Vec<Trial> {
        let named: BTreeSet<_> = self.runtimes.iter().copied().collect();
        let runtimes: Vec<_> = if named.is_empty() { RuntimeKind::ALL.to_vec() } else { named.into_iter().collect() };
        files.iter().flat_map(|file| file.trials(&runtimes)).collect()
    }

    fn has_tag(&self, trial: &Trial) -> bool {
        self.tags.is_empty() || trial.scenario.tags.iter().any(|tag| self.tags.contains(tag))
    }

    fn restrictions(&self) -> String {
        let tags = self.tags.iter().map(|tag| format!("the tag `{tag}`"));
        let runtimes = self.runtimes.iter().map(|runtime| format!("the runtime `{runtime}`"));
        tags.chain(runtimes).collect::<Vec<_>>().join(" and ")
    }
}

/// Loads `paths`; what cannot be loaded goes to `broken`.
pub fn load(loader: &mut Loader, paths: &[PathBuf], broken: &mut Vec<DocumentError>) -> Vec<ScenarioFile> {
    let mut files = Vec::new();
    for path in paths {
        match loader.load(path) {
            Ok(file) => files.push(file),
            Err(error) => broken.push(error),
        }
    }
    files
}

fn no_match(name: &str, stems: &[String]) -> ScenarioError {
    let word = name.split("::").nth(1).unwrap_or(name);
    ScenarioError::NoMatch {
        pattern: name.to_owned(),
        suggestion: suggest(word, stems.iter().map(String::as_str)).map(ToOwned::to_owned),
    }
}

/// A whole name means that trial or scenario alone; else `*` and `?` stand for letters; else the
/// text may stand anywhere in the trial's name.
fn matcher(pattern: &str, candidates: &[Trial]) -> Box<dyn Fn(&Trial) -> bool> {
    let pattern = pattern.to_owned();
    let exact = |trial: &Trial, name: &str| trial.name == name || trial.scenario.name == name;
    if candidates.iter().any(|trial| exact(trial, &pattern)) {
        return Box::new(move |trial| exact(trial, &pattern));
    }
    match glob(&pattern) {
        Some(glob) => Box::new(move |trial| glob.is_match(&trial.name) || glob.is_match(&trial.scenario.name)),
        None => Box::new(move |trial| trial.name.contains(&pattern)),
    }
}

fn glob(pattern: &str) -> Option<regex::Regex> {
    pattern.contains(['*', '?']).then(|| {
        let expression = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
        regex::Regex::new(&format!("^{expression}$")).ok()
    })?
}

fn is_file(argument: &str) -> bool {
    Path::new(argument)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml"))
}

/// Whether one of `names` can mean a scenario of the file with this stem, going by the stem alone.
fn concerns(stem: &str, names: &[&str]) -> bool {
    names.is_empty()
        || names.iter().any(|name| {
            let parts: Vec<_> = name.split("::").collect();
            parts.iter().any(|part| stem.contains(part)) || name.contains(['*', '?'])
        })
}
