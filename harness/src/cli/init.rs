//! `harness init`: a project with a performer and scenarios, or a project file for a repository that has a performer.

use std::path::{Path, PathBuf};

use hourglass_project::init::{InitRequest, Language, ProjectKind, Schemas, init};
use hourglass_runner::quoted;

use super::{CliError, Output, document::Document, notice};

/// What the workflow needs besides its file.
const WORKFLOW: &str = "The workflow needs the repository variable HARNESS_REPOSITORY, OWNER/NAME of the repository that releases the harness.";

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
    writeln!(out, "\n{performer}, harness.yaml says how it is built and started.")?;
    if done.files.iter().any(|path| path.starts_with(".github/workflows")) {
        writeln!(out, "{WORKFLOW}")?;
    }
    writeln!(out, "Next: {}harness run", change_to(args.folder.as_deref()))?;
    Ok(())
}

/// The command, with what joins it to another, that goes to the folder of a project.
fn change_to(folder: Option<&Path>) -> String {
    let Some(folder) = folder.filter(|folder| folder.as_os_str() != ".") else { return String::new() };
    let folder = folder.display().to_string();
    let options_end = if folder.starts_with('-') { "-- " } else { "" };
    format!("cd {options_end}{} && ", quoted(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line is for a shell.
    #[rstest::rstest]
    #[case::here(None, "")]
    #[case::the_current_folder(Some("."), "")]
    #[case::a_name(Some("counter"), "cd counter && ")]
    #[case::spaces(Some("new dir"), "cd 'new dir' && ")]
    #[case::a_quote(Some("it's"), r"cd 'it'\''s' && ")]
    #[case::like_an_option(Some("-new"), "cd -- -new && ")]
    fn a_shell_changes_to_the_folder_whatever_its_name(#[case] folder: Option<&str>, #[case] expected: &str) {
        assert_eq!(change_to(folder.map(Path::new)), expected);
    }
}
