//! Why scenarios could not be loaded or selected.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use hourglass_component::document::DocumentError;
use miette::Diagnostic;

use super::folder::SkippedFile;
use super::texts::ComponentRef;
use super::values::RuntimeKind;

/// Why scenarios could not be loaded or selected. Usage errors, all of them: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Files have problems.
    #[error("failed to load scenarios: {}", files(.0.len()))]
    Invalid(Vec<DocumentError>),
    /// There is no folder of scenarios.
    #[error("the folder of scenarios `{0}` does not exist")]
    NoDirectory(PathBuf),
    /// A file is named as the folder of scenarios.
    #[error("failed to list the scenarios in `{0}`: it is a file")]
    IsFile(PathBuf),
    /// A folder is named as a scenario.
    #[error("failed to select `{0}`: it is a folder")]
    IsFolder(PathBuf),
    /// The project file is named as a scenario.
    #[error("`{0}` is the project file, and no scenario")]
    IsProject(PathBuf),
    /// Another user has put a project file into a folder that belongs to everybody.
    #[error("failed to use the project file `{0}`: it belongs to another user, and everybody may write to its folder")]
    ForeignProject(PathBuf),
    /// Scenarios are named that do not belong to the same project.
    #[error("failed to choose a project: {}, and {}", belongs(first), belongs(other))]
    SeveralProjects {
        /// The first of them, and the project file above it.
        first: (PathBuf, Option<PathBuf>),
        /// One with another project file, or without one.
        other: (PathBuf, Option<PathBuf>),
    },
    /// The folder holds no scenario.
    #[error("there is no `*.yaml` in `{path}` and below{}", listed(skipped_files))]
    EmptyDirectory {
        /// The folder.
        path: PathBuf,
        /// Files there that look like a scenario.
        skipped_files: Vec<SkippedFile>,
    },
    /// The folder could not be listed.
    #[error("failed to list the scenarios in `{path}`")]
    ListDirectory {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds much more than scenarios.
    #[error("`{path}` has more than {most} files and folders")]
    LargeDirectory {
        /// The folder.
        path: PathBuf,
        /// The most that are looked at.
        most: usize,
    },
    /// A name or pattern matches no trial.
    #[error("nothing is called `{pattern}`")]
    NoMatch {
        /// The name or pattern.
        pattern: String,
        /// The probable intention.
        suggestion: Option<String>,
    },
    /// Tags and runtimes exclude everything.
    #[error("no trial has {0}")]
    NothingLeft(String),
    /// A component that runs as a process has only an image.
    #[error("failed to use the image of {component} in {trial}: the process runtime has no images")]
    ImageOfProcess {
        /// The component.
        component: ComponentRef,
        /// The trial.
        trial: String,
    },
    /// The committed schema differs from that of the types.
    #[error("`{path}` is not the schema of this version")]
    StaleSchema {
        /// The name of the document that the schema describes, as `harness schema` takes it.
        document: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A selecting argument is empty.
    #[error("failed to select trials: {0} is empty")]
    Empty(&'static str),
    /// A tag that no scenario has.
    #[error("no scenario has the tag `{tag}`")]
    NoTag {
        /// The tag.
        tag: String,
        /// The probable intention.
        suggestion: Option<String>,
    },
    /// A variable that no selected scenario declares.
    #[error("failed to set `{name}`: no selected scenario has a variable of this name")]
    NoVariable {
        /// The variable.
        name: String,
        /// The probable intention.
        suggestion: Option<String>,
    },
    /// A variable that is set twice on the command line.
    #[error("failed to set `{0}`: --set gives it two values")]
    SetTwice(String),
    /// A contract that is replaced twice on the command line.
    #[error("failed to replace `{0}`: --contract gives it two files")]
    ContractTwice(String),
    /// An environment variable whose value is not text.
    #[error("failed to read {variable}: its value is not UTF-8")]
    NotText {
        /// The environment variable.
        variable: String,
    },
    /// A shard to which no trial belongs.
    #[error("shard {shard} has no trial")]
    EmptyShard {
        /// The shard.
        shard: String,
        /// How many shards the trials are enough for.
        most: usize,
    },
    /// A folder of scenarios is named besides those of the executable.
    #[error("failed to use --builtin: --scenarios names a folder")]
    BuiltinAndFolder,
    /// A pattern is too large.
    #[error("`{0}` is too long for a pattern")]
    TooLong(String),
    /// The named scenario is meant for other runtimes.
    #[error("`{name}` is not meant for {asked}, only for {meant}{because}", asked = words(asked), meant = words(meant), because = reason(because.as_deref()))]
    NotMeant {
        /// The name or the file.
        name: String,
        /// The runtimes that trials are selected for.
        asked: Vec<RuntimeKind>,
        /// The runtimes that the scenario is meant for.
        meant: Vec<RuntimeKind>,
        /// Why, in the scenario's words.
        because: Option<String>,
    },
    /// A named scenario has no fault that could be taken out.
    #[error("failed to prove that `{name}` can fail: the scenario has no `without_fault`")]
    NoProof {
        /// The name or the file.
        name: String,
    },
    /// A component has a command, and the runtime does not run commands.
    #[error("failed to use the command of {component} in {trial}: the {runtime} runtime runs images")]
    CommandOfContainer {
        /// The component.
        component: ComponentRef,
        /// The trial.
        trial: String,
        /// Its runtime.
        runtime: RuntimeKind,
        /// The option that names an image instead.
        option: &'static str,
    },
    /// An option that has no effect on any of the chosen trials.
    #[error("failed to use {option}: {reason}")]
    WithoutEffect {
        /// The option.
        option: &'static str,
        /// Why it has no effect.
        reason: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A regular expression on the command line is invalid.
    #[error("failed to use {option} `{expression}`: {reason}")]
    Expression {
        /// The option.
        option: &'static str,
        /// The expression.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<DocumentError> for ScenarioError {
    fn from(error: DocumentError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl Diagnostic for ScenarioError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = match self {
            Self::NoDirectory(_) | Self::EmptyDirectory { .. } => {
                "give files, name the folder with `--scenarios DIR` or HARNESS_SCENARIOS, write scenarios with `harness init`, or take those of the executable with `--builtin`".to_owned()
            }
            Self::IsFile(_) => "give the file as an argument, without `--scenarios`".to_owned(),
            Self::IsFolder(path) => format!("`--scenarios {}` takes the scenarios in it", path.display()),
            Self::IsProject(path) => {
                format!("leave it out; `--project {}` names it where it is not found by itself", path.display())
            }
            Self::ForeignProject(_) => {
                "see what it says, then name it with `--project FILE`, or work in another folder".to_owned()
            }
            Self::SeveralProjects { .. } => {
                "name scenarios of one project at a time, or the project file for all of them with `--project FILE`"
                    .to_owned()
            }
            Self::LargeDirectory { .. } => "name the folder that has only scenarios with `--scenarios DIR`".to_owned(),
            Self::NoMatch { suggestion: Some(name), .. }
            | Self::NoTag { suggestion: Some(name), .. }
            | Self::NoVariable { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::NoMatch { .. } => "`harness scenario list` shows all trials".to_owned(),
            Self::NothingLeft(_) | Self::NoTag { .. } => {
                "`harness scenario list` shows all trials with their tags".to_owned()
            }
            Self::ImageOfProcess { .. } => {
                "choose `--runtime docker`, or give the component a `command` beside the image".to_owned()
            }
            Self::CommandOfContainer { option, .. } => {
                format!("name an image with {option} or beside the `command`, or choose `--runtime process`")
            }
            Self::NoVariable { .. } => {
                "declare it in `variables` of the scenario; `harness scenario plan` shows the variables".to_owned()
            }
            Self::SetTwice(_) | Self::ContractTwice(_) => "give it once".to_owned(),
            Self::NotText { .. } => "give it text, or unset it".to_owned(),
            Self::EmptyShard { most, .. } => format!("the selected trials make {most} shards"),
            Self::BuiltinAndFolder => "leave one of the two out".to_owned(),
            Self::Empty(_) => "name a scenario, or leave the argument out for all".to_owned(),
            Self::TooLong(_) => "name the scenarios one by one".to_owned(),
            Self::NotMeant { meant, .. } => {
                let names: Vec<_> = meant.iter().map(|kind| kind.as_str()).collect();
                format!("choose `--runtime {}`", names.join(","))
            }
            Self::NoProof { .. } => {
                "say in the scenario with which values there is no fault, or leave it out of `--without-fault`"
                    .to_owned()
            }
            Self::WithoutEffect { remedy, .. } => (*remedy).to_owned(),
            Self::Expression { .. } => {
                "correct it; a backslash before a character takes it literally, and quotes keep the shell from it"
                    .to_owned()
            }
            Self::StaleSchema { document, path } => {
                format!("renew it: `harness schema {document} --output {}`", path.display())
            }
            Self::Invalid(_) | Self::ListDirectory { .. } | Self::Read { .. } => return None,
        };
        Some(Box::new(help))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            Self::Invalid(errors) => Some(Box::new(errors.iter().map(|error| error as &dyn Diagnostic))),
            _ => None,
        }
    }
}

fn belongs((path, project): &(PathBuf, Option<PathBuf>)) -> String {
    let project = project.as_ref().map_or_else(|| "none".to_owned(), |project| format!("`{}`", project.display()));
    format!("`{}` belongs to {project}", path.display())
}

/// `process and docker`
fn words(kinds: &[RuntimeKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and ")
}

fn reason(because: Option<&str>) -> String {
    because.map(|because| format!(": {}", because.trim_end_matches('.'))).unwrap_or_default()
}

fn listed(skipped_files: &[SkippedFile]) -> String {
    skipped_files.iter().fold(String::new(), |mut text, SkippedFile { path, why }| {
        // Writing to a string does not fail.
        let _ = write!(text, "; `{}`: {why}", path.display());
        text
    })
}

fn files(count: usize) -> String {
    match count {
        1 => "one file has problems".to_owned(),
        count => format!("{count} files have problems"),
    }
}
