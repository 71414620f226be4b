//! Why scenarios could not be loaded or selected.

use std::fmt;
use std::path::PathBuf;

use hourglass_component::document::DocumentError;
use miette::Diagnostic;

/// Why scenarios could not be loaded or selected. Usage errors, all of them: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Files have problems.
    #[error("load scenarios: {}", files(.0.len()))]
    Invalid(Vec<DocumentError>),
    /// There is no folder of scenarios.
    #[error("find scenarios: there is no folder `{0}`")]
    NoDirectory(PathBuf),
    /// The folder holds no scenario.
    #[error("find scenarios: no `*.yaml` in `{0}`")]
    EmptyDirectory(PathBuf),
    /// The folder could not be listed.
    #[error("list the scenarios in `{path}`")]
    ListDirectory {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A name or pattern fits no trial.
    #[error("select trials: nothing is called `{pattern}`")]
    NoMatch {
        /// The name or pattern.
        pattern: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// Tags and runtimes leave nothing.
    #[error("select trials: none has {0}")]
    NothingLeft(String),
    /// An image is named for a component that runs as a process.
    #[error("use {option} in {trial}: the process runtime has no images")]
    ImageOfProcess {
        /// The option of the command line.
        option: &'static str,
        /// The trial.
        trial: String,
    },
    /// The committed schema is not the one of the types.
    #[error("check `{0}`: it is not the schema of this version")]
    StaleSchema(PathBuf),
    /// A file could not be read.
    #[error("read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output could not be written.
    #[error("write the output")]
    Write(#[from] std::io::Error),
}

impl From<DocumentError> for ScenarioError {
    fn from(error: DocumentError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl Diagnostic for ScenarioError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = match self {
            Self::NoDirectory(_) | Self::EmptyDirectory(_) => {
                "give files, or name the folder with `--scenarios DIR` or HARNESS_SCENARIOS".to_owned()
            }
            Self::NoMatch { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::NoMatch { .. } => "`harness list` shows all trials".to_owned(),
            Self::NothingLeft(_) => "`harness list` shows all trials with their tags".to_owned(),
            Self::ImageOfProcess { .. } => {
                "add `--runtime docker`, or give the scenario a `command` for processes beside the image".to_owned()
            }
            Self::StaleSchema(path) => format!("renew it: `harness schema --output {}`", path.display()),
            Self::Invalid(_) | Self::ListDirectory { .. } | Self::Read { .. } | Self::Write(_) => return None,
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

fn files(count: usize) -> String {
    match count {
        1 => "one file has problems".to_owned(),
        count => format!("{count} files have problems"),
    }
}
