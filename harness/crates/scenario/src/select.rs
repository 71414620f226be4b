//! Selects scenarios: by files, names, patterns, tags, runtimes.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use hourglass_component::document::DocumentError;

use super::allowed_errors::shortened;
use super::error::ScenarioError;
use super::exclude::Known;
use super::folder::{Folder, SkippedFile, is_file};
use super::load::{Loader, ScenarioFile};
use super::model::Scenario;
use super::no_match::no_match;
use super::overrides::{Assignment, Overrides};
use super::project::Project;
use super::replace::ContractFile;
use super::shard::Shard;
use super::trial::Trial;
use super::values::RuntimeKind;

/// The default folder of scenarios.
pub const DEFAULT_DIRECTORY: &str = "scenarios";
/// What stands in place of a folder in the paths of scenarios that an executable embeds.
pub const BUILTIN: &str = "builtin:";

/// The variable that names the folder of scenarios.
const VARIABLE: &str = "HARNESS_SCENARIOS";

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
    /// The folder with the scenarios [default: that of the project file, else `scenarios` in the current folder]
    #[arg(long = "scenarios", value_name = "DIR", env = VARIABLE)]
    pub directory: Option<PathBuf>,
    /// The project file [default: `harness.yaml` in the current folder or in the nearest folder above it, else above the
    /// files and the folder that are named]
    #[arg(long, value_name = "FILE", env = "HARNESS_PROJECT")]
    pub project: Option<PathBuf>,
    /// The project, once it was looked for: its file is read once.
    #[arg(skip)]
    pub located: OnceLock<Option<Arc<Project>>>,
    /// The scenarios that the executable embeds, in place of a folder
    #[arg(long)]
    pub builtin: bool,
    /// Leave out these scenarios or trials; names as above
    #[arg(long, value_name = "NAME")]
    pub exclude: Vec<String>,
    /// Leave out scenarios with this tag
    #[arg(long = "exclude-tag", value_name = "TAG")]
    pub exclude_tags: Vec<String>,
    /// Give a variable of the scenarios this value, as it is written; `HARNESS_VAR_NAME` does the same
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<Assignment>,
    /// Put the contract of this artefact in place of the harness's own of this name, such as `task_mailbox=out/TaskMailbox.sol/TaskMailbox.json`
    #[arg(long = "contract", value_name = "NAME=FILE")]
    pub contracts: Vec<ContractFile>,
    /// Only this part of the trials, such as `1/3`: each trial is in one, and they differ by one scenario at most
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// The embedded scenarios by the names of their files, for `builtin`
    #[arg(skip)]
    pub embedded: &'static [(&'static str, &'static str)],
}

/// What was selected.
#[derive(Debug, Default)]
pub struct Selected {
    /// The trials, sorted by runtime and then in the order of their files.
    pub trials: Vec<Trial>,
    /// Trials that somebody may miss, one sentence each.
    pub notices: Vec<String>,
}

impl Selection {
    /// The selected trials.
    pub fn trials(&self) -> Result<Vec<Trial>, ScenarioError> {
        Ok(self.select()?.trials)
    }

    /// The selected trials, and the excluded ones that somebody may miss.
    pub fn select(&self) -> Result<Selected, ScenarioError> {
        self.refuse_empty()?;
        let (mut paths, names) = self.paths_and_names();
        once(&mut paths);
        self.refuse_project(&paths)?;
        let overrides = Overrides::of_process(&self.set)?;
        let mut loader = self.loader(overrides.clone())?;
        let mut broken = Vec::new();
        let mut selected = Selected::default();
        let given = load(&mut loader, &paths, &mut broken);
        let mut left_out = self.not_meant(&given);
        selected.trials = expand(&given, &self.asked());
        let mut known = Known { trials: expand(&given, &RuntimeKind::ALL), ..Known::default() };
        if paths.is_empty() || !names.is_empty() {
            self.add_from_directory(&mut loader, &names, &mut broken, &mut selected, &mut known)?;
        }
        if !broken.is_empty() {
            DocumentError::shorten(&mut broken);
            return Err(ScenarioError::Invalid(broken));
        }
        if selected.trials.is_empty() && !left_out.is_empty() {
            return Err(left_out.swap_remove(0));
        }
        // A shell that expands `scenarios/*.yaml` names files that are meant for other runtimes.
        selected.notices.extend(left_out.into_iter().map(|error| format!("left out: {error}")));
        let trials = &mut selected.trials;
        trials.retain(|trial| self.has_tag(trial));
        self.exclude(trials, &known)?;
        trials.sort_by_key(|trial| trial.runtime);
        // A file that is given twice, or by its name as well, is one scenario.
        let mut seen = BTreeSet::new();
        trials.retain(|trial| seen.insert(trial.name.clone()));
        if trials.is_empty() {
            return Err(ScenarioError::NothingLeft(self.restrictions()));
        }
        self.know_variables(trials.iter().map(|trial| &*trial.scenario))?;
        let declares = |name: &str| known.trials.iter().any(|trial| trial.scenario.variables.contains_key(name));
        let unused = overrides.unused_environment(declares);
        selected.notices.extend(unused.map(|variable| format!("{variable} is set, and no scenario has the variable")));
        Ok(selected)
    }

    /// Adds the trials of the folder that `names` select, and to `known` all that it has on any runtime. A user who names one scenario need not fix all the others
    /// first: files whose names have nothing in common with `names` may be broken.
    fn add_from_directory(
        &self,
        loader: &mut Loader,
        names: &[&str],
        broken: &mut Vec<DocumentError>,
        selected: &mut Selected,
        known: &mut Known,
    ) -> Result<(), ScenarioError> {
        let folder = self.folder()?;
        let mut files = Vec::new();
        let mut others = Vec::new();
        for path in &folder.files {
            match self.load_from(loader, path) {
                Ok(file) => files.push(file),
                Err(_) if self.exclude.contains(&stem(path)) => known.unreadable.push(stem(path)),
                Err(error) if concerns(&stem(path), names) => broken.push(error),
                Err(error) => others.push(error),
            }
        }
        let asked = self.asked();
        // All of them: a scenario for other runtimes gets another message than one that does not exist.
        let candidates = expand(&files, &RuntimeKind::ALL);
        known.trials.extend(candidates.iter().cloned());
        if names.is_empty() {
            selected.trials.extend(expand(&files, &asked));
            selected.notices.extend(folder.skipped_files.iter().map(notice));
            return Ok(());
        }
        let mut chosen = vec![false; candidates.len()];
        for name in names {
            let matches = matcher(name, &candidates)?;
            let meant: Vec<_> = (0..candidates.len()).filter(|index| matches(&candidates[*index])).collect();
            // The name may mean a trial of a file that cannot be read.
            if meant.is_empty() && broken.is_empty() {
                broken.append(&mut others);
            }
            if meant.is_empty() && broken.is_empty() {
                return Err(no_match(name, &folder));
            }
            let there: Vec<_> = meant.iter().filter(|index| asked.contains(&candidates[**index].runtime)).collect();
            if let (Some(first), true) = (meant.first(), there.is_empty()) {
                return Err(self.none_there(name, &candidates[*first]));
            }
            for index in there {
                chosen[*index] = true;
            }
        }
        let chosen = candidates.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(trial, _)| trial);
        selected.trials.extend(chosen);
        Ok(())
    }

    /// Loads all files that [`Selection::files`] names; those that cannot be loaded go to `broken`.
    pub fn load(&self, paths: &[PathBuf], broken: &mut Vec<DocumentError>) -> Result<Vec<ScenarioFile>, ScenarioError> {
        let mut loader = self.loader(Overrides::of_process(&self.set)?)?;
        let mut files = Vec::new();
        for path in paths {
            match self.load_from(&mut loader, path) {
                Ok(file) => files.push(file),
                Err(error) => broken.push(error),
            }
        }
        Ok(files)
    }

    /// A loader with what the command line says of all scenarios.
    fn loader(&self, overrides: Overrides) -> Result<Loader, ScenarioError> {
        ContractFile::check_once(&self.contracts)?;
        let loader = Loader::of(self.project()?)?.with_overrides(overrides);
        Ok(loader.with_contracts(self.contracts.clone()))
    }

    /// A file, or the embedded text of this path.
    fn load_from(&self, loader: &mut Loader, path: &Path) -> Result<ScenarioFile, DocumentError> {
        let name = path.strip_prefix(BUILTIN).ok().filter(|_| self.builtin);
        match name.and_then(|name| self.embedded.iter().find(|(embedded, _)| Path::new(embedded) == name)) {
            Some((_, text)) => loader.parse(path, *text),
            None => loader.load(path),
        }
    }

    /// Why a name that means `trial` selects no trial of the requested runtimes.
    fn none_there(&self, name: &str, trial: &Trial) -> ScenarioError {
        let asked = self.asked();
        if trial.scenario.runtimes.iter().any(|runtime| asked.contains(runtime)) {
            // The name itself contains another runtime.
            return ScenarioError::NothingLeft(format!("the name `{name}` and {}", self.restrictions()));
        }
        not_meant(name.to_owned(), asked, &trial.scenario)
    }

    /// The files that have no trial of the requested runtimes.
    fn not_meant(&self, given: &[ScenarioFile]) -> Vec<ScenarioError> {
        let asked = self.asked();
        let scenarios = given.iter().filter_map(|file| Some((file, &file.variants.first()?.scenario)));
        let left_out = scenarios.filter(|(_, scenario)| !scenario.runtimes.iter().any(|kind| asked.contains(kind)));
        left_out.map(|(file, scenario)| not_meant(file.path.display().to_string(), asked.clone(), scenario)).collect()
    }

    /// The selected files: those given by path or by stem, or all of the folder; and the skipped files of the folder,
    /// if all are selected.
    pub fn files(&self) -> Result<(Vec<PathBuf>, Vec<SkippedFile>), ScenarioError> {
        self.refuse_empty()?;
        let (mut paths, names) = self.paths_and_names();
        once(&mut paths);
        self.refuse_project(&paths)?;
        if !paths.is_empty() && names.is_empty() {
            return Ok((paths, Vec::new()));
        }
        let folder = self.folder()?;
        let means = |name: &&str| folder.files.iter().any(|path| concerns(&stem(path), &[*name]));
        if let Some(name) = names.iter().find(|name| !means(name)) {
            return Err(no_match(name, &folder));
        }
        paths.extend(folder.files.into_iter().filter(|path| concerns(&stem(path), &names)));
        once(&mut paths);
        Ok((paths, if names.is_empty() { folder.skipped_files } else { Vec::new() }))
    }

    /// An empty text is part of every name: it would select all scenarios instead of one.
    fn refuse_empty(&self) -> Result<(), ScenarioError> {
        let is_empty = |texts: &[String]| texts.iter().any(|text| text.trim().is_empty());
        if is_empty(&self.patterns) {
            return Err(ScenarioError::Empty("a name"));
        }
        if is_empty(&self.exclude) {
            return Err(ScenarioError::Empty("an excluded name"));
        }
        if is_empty(&self.exclude_tags) {
            return Err(ScenarioError::Empty("an excluded tag"));
        }
        // One of the environment is for the commands without `--builtin`.
        let of_environment = || self.directory.as_deref().map(Path::as_os_str) == env::var_os(VARIABLE).as_deref();
        if self.builtin && self.directory.is_some() && !of_environment() {
            return Err(ScenarioError::BuiltinAndFolder);
        }
        if is_empty(&self.tags) {
            return Err(ScenarioError::Empty("a tag"));
        }
        if self.directory.as_ref().is_some_and(|directory| directory.as_os_str().is_empty()) {
            return Err(ScenarioError::Empty("the folder that `--scenarios` or HARNESS_SCENARIOS names"));
        }
        Ok(())
    }

    pub(super) fn paths_and_names(&self) -> (Vec<PathBuf>, Vec<&str>) {
        let (paths, names): (Vec<_>, Vec<_>) =
            self.patterns.iter().map(String::as_str).partition(|pattern| !self.builtin && is_file(Path::new(pattern)));
        (paths.into_iter().map(PathBuf::from).collect(), names)
    }

    /// The files and the folder that are named and read.
    fn named(&self) -> Vec<PathBuf> {
        let (mut paths, names) = self.paths_and_names();
        if paths.is_empty() || !names.is_empty() {
            paths.extend(self.directory.clone());
        }
        paths
    }

    /// The project that the selected scenarios belong to.
    pub fn project(&self) -> Result<Option<Arc<Project>>, ScenarioError> {
        if self.project.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(ScenarioError::Empty("the file that `--project` or HARNESS_PROJECT names"));
        }
        if self.builtin {
            // The embedded scenarios are about the reference components.
            return Ok(None);
        }
        if let Some(project) = self.located.get() {
            return Ok(project.clone());
        }
        let project = Project::locate(self.project.as_deref(), &self.named())?;
        Ok(self.located.get_or_init(|| project).clone())
    }

    /// The folder of the scenarios that are not given as files: the one that is named, that of the project, or the default.
    pub fn directory(&self) -> Result<PathBuf, ScenarioError> {
        Ok(match &self.directory {
            Some(directory) => directory.clone(),
            None => self.project()?.map_or_else(|| PathBuf::from(DEFAULT_DIRECTORY), |project| project.scenarios()),
        })
    }

    fn folder(&self) -> Result<Folder, ScenarioError> {
        let directory = self.directory()?;
        if self.builtin {
            let files = self.embedded.iter().map(|(name, _)| Path::new(BUILTIN).join(name)).collect();
            return Ok(Folder { files, skipped_files: Vec::new() });
        }
        let folder = Folder::list(&directory)?;
        if folder.files.is_empty() {
            return Err(ScenarioError::EmptyDirectory { path: directory, skipped_files: folder.skipped_files });
        }
        Ok(folder)
    }

    /// The runtimes that trials are selected for.
    fn asked(&self) -> Vec<RuntimeKind> {
        let named: BTreeSet<_> = self.runtimes.iter().copied().collect();
        if named.is_empty() { RuntimeKind::ALL.to_vec() } else { named.into_iter().collect() }
    }

    fn has_tag(&self, trial: &Trial) -> bool {
        self.tags.is_empty() || trial.scenario.tags.iter().any(|tag| self.tags.contains(tag))
    }

    fn restrictions(&self) -> String {
        let tags = self.tags.iter().map(|tag| format!("the tag `{tag}`"));
        let runtimes = self.runtimes.iter().map(|runtime| format!("the runtime `{runtime}`"));
        let leaves_out = !self.exclude.is_empty() || !self.exclude_tags.is_empty();
        let excluded = leaves_out.then(|| "a name and tags that are not excluded".to_owned());
        tags.chain(runtimes).chain(excluded).collect::<Vec<_>>().join(" and ")
    }
}

/// Keeps each file once, however often and by whatever path it is given.
fn once(paths: &mut Vec<PathBuf>) {
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(same_path(path)));
}

/// The path by which a file is recognised, whatever path leads to it.
pub(super) fn same_path(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Loads `paths`; files that cannot be loaded go to `broken`.
fn load(loader: &mut Loader, paths: &[PathBuf], broken: &mut Vec<DocumentError>) -> Vec<ScenarioFile> {
    let mut files = Vec::new();
    for path in paths {
        match loader.load(path) {
            Ok(file) => files.push(file),
            Err(error) => broken.push(error),
        }
    }
    files
}

fn expand(files: &[ScenarioFile], runtimes: &[RuntimeKind]) -> Vec<Trial> {
    files.iter().flat_map(|file| file.trials(runtimes)).collect()
}

/// The name of the scenario in this file.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn notice(SkippedFile { path, why }: &SkippedFile) -> String {
    format!("left out: {}: {why}", path.display())
}

fn not_meant(name: String, asked: Vec<RuntimeKind>, scenario: &Scenario) -> ScenarioError {
    let (meant, because) = (scenario.runtimes.clone(), scenario.runtimes_because.clone());
    ScenarioError::NotMeant { name, asked, meant, because }
}

/// Whether a trial is selected.
pub(super) type Matcher = Box<dyn Fn(&Trial) -> bool>;

/// A whole name selects only that trial or scenario; else `*` and `?` are wildcards; else the text may be anywhere in
/// the trial's name.
pub(super) fn matcher(pattern: &str, candidates: &[Trial]) -> Result<Matcher, ScenarioError> {
    let pattern = pattern.to_owned();
    let exact = |trial: &Trial, name: &str| trial.name == name || trial.scenario.name == name;
    if candidates.iter().any(|trial| exact(trial, &pattern)) {
        return Ok(Box::new(move |trial| exact(trial, &pattern)));
    }
    if !pattern.contains(['*', '?']) {
        return Ok(Box::new(move |trial| trial.name.contains(&pattern)));
    }
    let expression = regex::escape(&pattern).replace(r"\*", ".*").replace(r"\?", ".");
    // Its size is the only possible reason.
    let glob =
        regex::Regex::new(&format!("^{expression}$")).map_err(|_| ScenarioError::TooLong(shortened(&pattern)))?;
    Ok(Box::new(move |trial| glob.is_match(&trial.name) || glob.is_match(&trial.scenario.name)))
}

/// Whether one of `names` can mean a scenario of the file with this stem, judged by the stem alone.
fn concerns(stem: &str, names: &[&str]) -> bool {
    names.is_empty()
        || names.iter().any(|name| {
            let parts: Vec<_> = name.split("::").collect();
            parts.iter().any(|part| stem.contains(part)) || name.contains(['*', '?'])
        })
}
