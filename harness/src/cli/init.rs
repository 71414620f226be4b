//! `harness init`: a project with a performer and scenarios, or a project file for a repository that has a performer.

use std::path::PathBuf;

use hourglass_project::init::{InitRequest, Language, ProjectKind, Schemas, init};

use super::{CliError, Output, document::Document, notice};

/// Writes a project: a performer, scenarios, the project file, a workflow
///
/// In a repository made from the public AVS template (`.hourglass/context/devnet.yaml`), it writes the project file and
/// scenarios for the performer that is there. No file is replaced.
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {
    /// The folder of the project [default: the current folder]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The language of the performer [default: that of the folder, else the first whose toolchain is installed]
    #[arg(long = "lang", value_name = "LANGUAGE", value_enum)]
    pub language: Option<Language>,
}

/// Writes the project, and to `out` what was written and what to do next.
pub fn run(args: &InitArgs, out: &mut impl Output) -> Result<(), CliError> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let schemas = Schemas { project: Document::Project.schema()?, scenario: Document::Scenario.schema()? };
    let request = InitRequest { folder: &folder, language: args.language, schemas };
    let done = init(&request)?;
    for path in &done.files {
        writeln!(out, "written  {}", path.display())?;
    }
    for text in &done.notices {
        notice(text);
    }
    let performer = match done.kind {
        ProjectKind::New(_) => "performer/ is the performer",
        ProjectKind::Avs => "the performer is that of the repository",
    };
    let elsewhere = args.folder.as_ref().filter(|folder| folder.as_os_str() != ".");
    let there = elsewhere.map(|folder| format!("cd {} && ", folder.display())).unwrap_or_default();
    writeln!(out, "\n{performer}, harness.yaml says how it is built and started.")?;
    writeln!(out, "Next: {there}harness run")?;
    Ok(())
}
