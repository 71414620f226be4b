//! Writes a project: from nothing, with a performer that runs, or for the repository of an AVS that exists.
//!
//! `detect` sees what is in the folder, `language` has the files of a new performer, `avs` those for a repository made
//! from the public AVS template, `deploy_scripts` what that repository deploys, `write` puts them into the folder without replacing any.

mod avs;
mod deploy_scripts;
mod detect;
mod language;
mod write;

use std::path::{Path, PathBuf};

pub use avs::AvsError;
pub use language::Language;
pub use write::WriteError;

/// What is to be written, and where.
#[derive(Debug, Clone)]
pub struct InitRequest<'a> {
    /// The folder of the project; made if it does not exist.
    pub folder: &'a Path,
    /// The language of the performer; `None` takes that of what is there, or the first whose toolchain is installed.
    pub language: Option<Language>,
    /// The JSON Schemas of project files and scenarios, for editors.
    pub schemas: Schemas,
}

/// The texts of JSON Schemas.
#[derive(Debug, Clone)]
pub struct Schemas {
    /// That of project files.
    pub project: String,
    /// That of scenario files.
    pub scenario: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialized {
    /// What kind of project it is.
    pub kind: ProjectKind,
    /// The files, relative to the folder, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// What somebody should know, one sentence each.
    pub notices: Vec<String>,
}

/// The kinds of projects that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectKind {
    /// A new performer in this language.
    New(Language),
    /// A repository made from the public AVS template, which has its performer.
    Avs,
}

/// Why no project was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No toolchain is there.
    #[error("failed to choose a language: none of {} is in PATH", Language::programs())]
    NoToolchain,
    /// The repository has a performer already.
    #[error("failed to write a performer in {language}: {folder} was made from the AVS template and has its own", folder = folder.display())]
    HasPerformer {
        /// The folder.
        folder: PathBuf,
        /// The requested language.
        language: Language,
    },
    /// The repository's own description cannot be read.
    #[error(transparent)]
    Avs(#[from] AvsError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl InitError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoToolchain => {
                "install one of them, or choose a language with `--lang` and install it later".to_owned()
            }
            Self::HasPerformer { .. } => "leave `--lang` out, or name another folder".to_owned(),
            Self::Avs(error) => error.remedy(),
            Self::Write(error) => error.remedy(),
        }
    }
}

/// A file of the project.
#[derive(Debug, Clone)]
struct NewFile {
    /// Its path in the folder.
    path: PathBuf,
    text: String,
    /// Whether it may be there already, and is then left as it is.
    optional: bool,
}

impl NewFile {
    fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), optional: false }
    }

    fn unless_there(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// Writes the project. Nothing is written if one of its files exists, but for those that editors and CI also have from
/// others.
pub fn init(request: &InitRequest<'_>) -> Result<Initialized, InitError> {
    let mut notices = Vec::new();
    let (kind, mut files) = if detect::is_avs(request.folder) {
        if let Some(language) = request.language {
            return Err(InitError::HasPerformer { folder: request.folder.to_owned(), language });
        }
        let context = avs::Context::read(request.folder)?;
        notices.extend(context.notices());
        (ProjectKind::Avs, context.files())
    } else {
        let language = request.language.or_else(|| detect::language(request.folder)).ok_or(InitError::NoToolchain)?;
        (ProjectKind::New(language), language.files())
    };
    files.extend([
        NewFile::new(".harness/project.json", &*request.schemas.project),
        NewFile::new(".harness/scenario.json", &*request.schemas.scenario),
        NewFile::new(".github/workflows/harness.yml", workflow()).unless_there(),
        NewFile::new(".vscode/settings.json", include_str!("../../templates/vscode.json")).unless_there(),
    ]);
    let (files, there) = write::write(request.folder, files)?;
    notices.extend(there.iter().map(|path| format!("left as it is: {}", path.display())));
    Ok(Initialized { kind, files, notices })
}

/// The workflow, which installs the release of this version.
fn workflow() -> String {
    include_str!("../../templates/workflow.yml").replace("<version>", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests;
