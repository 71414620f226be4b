//! One scenario file → its scenarios, one for each combination of the matrix.
//!
//! All combinations are filled in, validated and checked when the file is loaded, and again without the fault: what
//! loads can run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use hourglass_component::document::{DocumentError, Pointer, Problem, Problems, Report, Schema, Tree, read_text};
use serde_json::Value;

use super::check;
use super::model::{Scenario, ScenarioDocument};
use super::overrides::{Override, Overrides, VARIABLE_PREFIX};
use super::plain_scalars;
use super::project::Project;
use super::renamed_steps;
use super::replace::ContractFile;
use super::resolve;
use super::step::Step;
use super::texts::Scalar;
use super::trial::Trial;
use super::values::RuntimeKind;
use super::variables::{Bindings, combinations, substitute};

/// A larger scenario file, in bytes, is a mistake; its parsed form takes many times its size.
const LARGEST: u64 = 32 << 20;
/// More are a mistake rather than a test.
const MAX_COMBINATIONS: usize = 256;

/// A scenario file without problems.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    /// The file.
    pub path: Arc<Path>,
    /// The project that it belongs to.
    pub project: Option<Arc<Project>>,
    /// One for each combination of its matrix; never empty.
    pub variants: Vec<Variant>,
    /// Texts that should be written differently, but still work.
    pub warnings: Vec<Report>,
}

/// A scenario for one combination of its matrix.
#[derive(Debug, Clone)]
pub struct Variant {
    /// `chain_l1`; `None` where the file has no matrix.
    pub label: Option<String>,
    /// The scenario.
    pub scenario: Arc<Scenario>,
    fault_free: Option<Arc<Scenario>>,
}

/// Loads scenario files; if two have the same name, that is a problem of the second.
#[derive(Debug)]
pub struct Loader {
    schema: Schema<ScenarioDocument>,
    project: Option<Arc<Project>>,
    names: BTreeMap<String, PathBuf>,
    overrides: Overrides,
    contracts: Vec<ContractFile>,
}

impl Loader {
    /// A loader that knows no names yet.
    pub fn new() -> Result<Self, DocumentError> {
        Self::of(None)
    }

    /// A loader of scenarios that belong to this project.
    pub fn of(project: Option<Arc<Project>>) -> Result<Self, DocumentError> {
        Ok(Self {
            schema: Schema::new()?,
            project,
            overrides: Overrides::default(),
            contracts: Vec::new(),
            names: BTreeMap::new(),
        })
    }

    /// Puts these values in place of those of the files.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    /// Puts these contracts in place of those of the harness.
    #[must_use]
    pub fn with_contracts(self, contracts: Vec<ContractFile>) -> Self {
        Self { contracts, ..self }
    }

    /// Loads the file at `path`. On failure the error contains all of its problems.
    pub fn load(&mut self, path: &Path) -> Result<ScenarioFile, DocumentError> {
        let text = read(path).map_err(|source| DocumentError::Read { path: path.to_owned(), source })?;
        self.parse(path, text)
    }

    /// Loads `text` as if it were in the file at `path`.
    pub fn parse(&mut self, path: &Path, text: impl Into<Arc<str>>) -> Result<ScenarioFile, DocumentError> {
        let written = Tree::parse(path.display().to_string(), text)?;
        let (current, mut warnings) = renamed_steps::with_current_keys(&written);
        let tree = plain_scalars::environments_as_written(&current);
        let mut problems = Problems::new();
        let mut loading = Loading {
            schema: &self.schema,
            project: self.project.as_deref(),
            contracts: &self.contracts,
            path: path.into(),
            tree: &tree,
            header: Header::read(tree.value(), &self.overrides, &mut problems),
            used: BTreeSet::new(),
            misspelt: false,
            problems,
            warnings: Problems::new(),
        };
        plain_scalars::check_variables(&tree, &mut loading.problems);
        let variants = loading.variants();
        loading.check_variables();
        warnings.extend(tree.reports(loading.warnings));
        let mut problems = loading.problems;
        if let Some(name) = tree.value()["name"].as_str() {
            if let Some(other) = self.names.get(name).filter(|other| !is_same(other, path)) {
                let message = format!("the name `{name}` is taken by {}", other.display());
                let problem = Problem::at_value(&Pointer::from("/name"), message);
                problems.add(problem.label("taken").help("rename this file and its scenario"));
            }
            self.names.entry(name.to_owned()).or_insert_with(|| path.to_owned());
        }
        let project = self.project.clone();
        tree.judge(Some(ScenarioFile { path: path.into(), project, variants, warnings }), problems)
    }
}

impl ScenarioFile {
    /// A trial for each combination on each of `runtimes` that the scenario is meant for.
    pub fn trials(&self, runtimes: &[RuntimeKind]) -> Vec<Trial> {
        let mut trials = Vec::new();
        for runtime in runtimes {
            for variant in self.variants.iter().filter(|variant| variant.scenario.runtimes.contains(runtime)) {
                let label = variant.label.as_ref().map(|label| format!("::{label}"));
                trials.push(Trial {
                    name: format!("{runtime}::{}{}", variant.scenario.name, label.unwrap_or_default()),
                    scenario: Arc::clone(&variant.scenario),
                    runtime: *runtime,
                    path: Arc::clone(&self.path),
                    project: self.project.clone(),
                    exclusive_cluster: is_felt_by_others(&variant.scenario.steps),
                    proof: false,
                    fault_free: variant.fault_free.clone(),
                    options: Arc::default(),
                });
            }
        }
        trials
    }
}

fn is_felt_by_others(steps: &[Step]) -> bool {
    Step::all_in(steps).into_iter().any(|step| step.kind.properties().cluster.is_felt_by_others())
}

struct Loading<'a> {
    schema: &'a Schema<ScenarioDocument>,
    project: Option<&'a Project>,
    contracts: &'a [ContractFile],
    path: Arc<Path>,
    tree: &'a Tree,
    header: Header,
    used: BTreeSet<String>,
    /// Whether an unknown variable was used.
    misspelt: bool,
    problems: Problems,
    /// What is probably not meant as it is written; combinations of the matrix have the same.
    warnings: Problems,
}

impl Loading<'_> {
    fn variants(&mut self) -> Vec<Variant> {
        let count = self.header.matrix.values().map(Vec::len).fold(1_usize, usize::saturating_mul);
        if count > MAX_COMBINATIONS {
            let message = format!("the matrix has {count} combinations, more than {MAX_COMBINATIONS}");
            self.problems.add(Problem::at_key(&Pointer::from("/matrix"), message).label("this matrix"));
            return Vec::new();
        }
        let mut labels = BTreeSet::new();
        let mut variants = Vec::new();
        for combination in combinations(&self.header.matrix) {
            let label = label(&combination);
            if !labels.insert(label.clone()) {
                let message = format!("two combinations of the matrix are called `{}`", label.unwrap_or_default());
                self.problems.add(
                    Problem::at_key(&Pointer::from("/matrix"), message)
                        .label("this matrix")
                        .help("give each value once, and values that differ in letters or digits"),
                );
                continue;
            }
            let mut bindings = self.header.variables.clone();
            bindings.extend(combination);
            let fault_free = self.header.without_fault.clone().and_then(|over| {
                let mut bindings = bindings.clone();
                bindings.extend(over);
                self.scenario(&bindings)
            });
            if let Some(scenario) = self.scenario(&bindings) {
                variants.push(Variant { label, scenario, fault_free });
            }
        }
        variants
    }

    fn scenario(&mut self, bindings: &Bindings) -> Option<Arc<Scenario>> {
        let mut problems = Problems::new();
        let mut value = substitute(self.tree.value(), bindings, &mut self.used, &mut problems);
        give_values(&mut value, bindings);
        // An unknown name may be a misspelt variable, which is then unused.
        self.misspelt |= !problems.is_empty();
        let value = match self.project {
            Some(project) => project.fill_topology(value),
            None => value,
        };
        let tree = self.tree.with_value(value);
        let mut document = self.schema.read(&tree, &mut problems);
        if let (Some(project), Some(document)) = (self.project, &mut document) {
            project.fill_parts(document);
        }
        if let Some(document) = &mut document {
            for contract in self.contracts {
                contract.put_over(&mut document.replace);
            }
        }
        match &document {
            Some(document) => check::check(document, &self.path, &mut problems, &mut self.warnings),
            None => self.check_completed(&tree, &mut problems),
        }
        let good = problems.is_empty();
        self.problems.extend(problems);
        document
            .filter(|_| good)
            .map(|document| Arc::new(resolve::resolve(document, bindings.clone(), &self.path, &tree)))
    }

    /// Checks a document without its required keys as if they were there: a missing key must not hide the mistakes in
    /// the others.
    fn check_completed(&self, tree: &Tree, problems: &mut Problems) {
        let mut value = tree.value().clone();
        let Some(entries) = value.as_object_mut() else { return };
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        for (key, text) in [("name", &*stem), ("description", "-")] {
            if !entries.get(key).is_some_and(is_text) {
                entries.insert(key.to_owned(), text.into());
            }
        }
        if !entries.get("steps").is_some_and(Value::is_array) {
            entries.insert("steps".to_owned(), Value::Array(Vec::new()));
        }
        let completed = tree.with_value(value);
        // Its problems were found before.
        if let Some(document) = self.schema.read(&completed, &mut Problems::new()) {
            check::check(&document, &self.path, problems, &mut Problems::new());
        }
    }

    /// A variable that nothing uses is a mistake: its intended target keeps its value.
    fn check_variables(&mut self) {
        if self.misspelt || self.problems.touch(&Pointer::from("/matrix")) {
            return;
        }
        for (place, names) in [
            ("/variables", self.header.variables.keys().collect::<Vec<_>>()),
            ("/matrix", self.header.matrix.keys().collect()),
        ] {
            for name in names.into_iter().filter(|name| !self.used.contains(*name)) {
                self.problems.add(
                    Problem::at_key(&Pointer::from(place).key(name), format!("the variable `{name}` is never used"))
                        .label("never used")
                        .help(format!("write `${{{name}}}` where it is meant, or take it away")),
                );
            }
        }
    }
}

/// The text of a regular file; a pipe or a device might have no end.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    if metadata.len() > LARGEST {
        let reason = format!("it has {} bytes, and a scenario has at most {LARGEST}", metadata.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    read_text(path)
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let same = || Some(fs::canonicalize(one).ok()? == fs::canonicalize(other).ok()?);
    one == other || same().unwrap_or(false)
}

/// The parts that must be known before the rest can be read. Invalid parts are left out here; the schema reports them.
struct Header {
    /// Without those that have no value.
    variables: Bindings,
    matrix: BTreeMap<String, Vec<Scalar>>,
    without_fault: Option<Bindings>,
}

impl Header {
    /// Values from outside that do not fit, and variables without a value, become problems.
    fn read(document: &Value, overrides: &Overrides, problems: &mut Problems) -> Self {
        let matrix = document["matrix"].as_object().into_iter().flatten();
        let matrix = matrix.filter_map(|(name, values)| {
            let values: Option<Vec<_>> = values.as_array()?.iter().map(scalar).collect();
            let values = values.filter(|values| !values.is_empty())?;
            let at = Pointer::root().key("matrix").key(name);
            // A value from outside is the only one.
            let over = overrides.get(name).map(|over| fitting(over, name, values.first(), &at, problems));
            Some((name.clone(), over.flatten().map_or(values, |value| vec![value])))
        });
        let matrix = matrix.collect();
        let mut variables = Bindings::new();
        for (name, value) in document["variables"].as_object().into_iter().flatten() {
            let at = Pointer::root().key("variables").key(name);
            let value = match overrides.get(name) {
                Some(over) => fitting(over, name, scalar(value).as_ref(), &at, problems),
                None if value.is_null() => {
                    problems.add(without_value(name, &at));
                    // So that the other mistakes of the file are found as well.
                    Some(Scalar(format!("${{{name}}}").into()))
                }
                None => scalar(value),
            };
            variables.extend(value.map(|value| (name.clone(), value)));
        }
        Self { variables, matrix, without_fault: scalars(&document["without_fault"]) }
    }
}

/// Puts the values from outside where the file has none.
fn give_values(document: &mut Value, bindings: &Bindings) {
    let variables = document.get_mut("variables").and_then(Value::as_object_mut);
    for (name, value) in variables.into_iter().flatten().filter(|(_, value)| value.is_null()) {
        if let Some(given) = bindings.get(name) {
            *value = given.0.clone();
        }
    }
}

/// The value from outside, unless it is of another type than the one that it replaces.
fn fitting(
    over: &Override,
    name: &str,
    replaced: Option<&Scalar>,
    at: &Pointer,
    problems: &mut Problems,
) -> Option<Scalar> {
    let expected = match over.scalar(replaced) {
        Ok(scalar) => return Some(scalar),
        Err(expected) => expected,
    };
    problems.add(
        Problem::at_value(at, format!("{} gives the variable `{name}` a value that is not {expected}", over.origin))
            .label(format!("{expected} in the file"))
            .help(format!("give {expected}, or put the value of the file in quotes if it is text")),
    );
    replaced.cloned()
}

fn without_value(name: &str, at: &Pointer) -> Problem {
    Problem::at_key(at, format!("the variable `{name}` has no value"))
        .label("no value")
        .help(format!("set {VARIABLE_PREFIX}{name}, give `--set {name}=VALUE`, or write a default here"))
}

fn scalars(value: &Value) -> Option<Bindings> {
    let entries = value.as_object()?.iter();
    Some(entries.filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect())
}

fn scalar(value: &Value) -> Option<Scalar> {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)).then(|| Scalar(value.clone()))
}

/// `chain_l1::count_3`; characters that break test runners and shells become `-`.
fn label(combination: &Bindings) -> Option<String> {
    let parts: Vec<_> = combination
        .iter()
        .map(|(name, value)| {
            let value: String = value
                .to_string()
                .chars()
                .map(|letter| if letter.is_ascii_alphanumeric() || "_.-".contains(letter) { letter } else { '-' })
                .collect();
            format!("{name}_{value}")
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("::"))
}
