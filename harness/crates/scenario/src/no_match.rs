//! What a name was probably meant to be that selects nothing.

use std::path::{Path, PathBuf};

use hourglass_component::document::suggest;

use super::error::ScenarioError;
use super::folder::Folder;
use super::select::{Selection, same_path, stem};
use super::values::RuntimeKind;

impl Selection {
    /// Refuses the project file among files that are to be scenarios: each of its keys would be a problem.
    pub(super) fn refuse_project(&self, paths: &[PathBuf]) -> Result<(), ScenarioError> {
        if paths.is_empty() {
            return Ok(());
        }
        let Some(project) = self.project()? else { return Ok(()) };
        let file = same_path(&project.path);
        match paths.iter().find(|path| same_path(path) == file) {
            Some(path) => Err(ScenarioError::IsProject(path.clone())),
            None => Ok(()),
        }
    }
}

/// Why `name` means no scenario of `folder`.
pub(super) fn no_match(name: &str, folder: &Folder) -> ScenarioError {
    if Path::new(name).is_dir() {
        return ScenarioError::IsFolder(name.into());
    }
    let stems: Vec<_> = folder.files.iter().map(|path| stem(path)).collect();
    let similar = |word: &str| suggest(word, stems.iter().map(String::as_str)).map(ToOwned::to_owned);
    let suggestion = match name.split_once(':') {
        Some((runtime, word)) if is_runtime(runtime) && !word.starts_with(':') => {
            similar(word).map(|word| format!("{runtime}::{word}"))
        }
        _ => {
            let word = name.split("::").nth(1).unwrap_or(name);
            let skipped_file = folder.skipped_files.iter().find(|over| stem(&over.path) == word);
            skipped_file.map(|over| over.path.display().to_string()).or_else(|| similar(word))
        }
    };
    ScenarioError::NoMatch { pattern: name.to_owned(), suggestion }
}

fn is_runtime(word: &str) -> bool {
    RuntimeKind::ALL.iter().any(|kind| kind.as_str() == word)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use miette::Diagnostic as _;

    use super::*;

    const SCENARIO: &str =
        "name: square\ndescription: A test's own.\nsteps: [{create_task: {payload: a}}, {expect_verified: {}}]\n";

    fn project() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("own")).unwrap();
        fs::write(root.path().join("harness.yaml"), "scenarios: own\n").unwrap();
        fs::write(root.path().join("own/square.yaml"), SCENARIO).unwrap();
        root
    }

    fn refused(root: &Path, pattern: &str) -> ScenarioError {
        let patterns = vec![pattern.to_owned()];
        let selection = Selection { patterns, project: Some(root.join("harness.yaml")), ..Selection::default() };
        let error = selection.files().unwrap_err();
        assert_eq!(selection.select().unwrap_err().to_string(), error.to_string());
        error
    }

    fn help(error: &ScenarioError) -> String {
        error.help().map(|help| help.to_string()).unwrap_or_default()
    }

    #[rstest::rstest]
    #[case::one_colon("process:square", "did you mean `process::square`?")]
    #[case::one_colon_and_misspelt("docker:sqare", "did you mean `docker::square`?")]
    #[case::two_colons("docker::sqare", "did you mean `square`?")]
    #[case::no_runtime("tests:square", "`harness scenario list` shows all trials")]
    fn a_name_is_suggested(#[case] pattern: &str, #[case] expected: &str) {
        assert_eq!(help(&refused(project().path(), pattern)), expected);
    }

    #[test]
    fn a_folder_is_named_as_one() {
        let root = project();
        let folder = root.path().join("own").display().to_string() + "/";
        let error = refused(root.path(), &folder);
        assert_eq!(error.to_string(), format!("failed to select `{folder}`: it is a folder"));
        assert_eq!(help(&error), format!("`--scenarios {folder}` takes the scenarios in it"));
    }

    #[test]
    fn a_project_file_is_named_as_one() {
        let root = project();
        let file = root.path().join("own/../harness.yaml").display().to_string();
        let error = refused(root.path(), &file);
        assert_eq!(error.to_string(), format!("`{file}` is the project file, and no scenario"));
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_named_as_one() {
        let root = project();
        let file = root.path().join("own/square.yaml");
        let selection = Selection { directory: Some(file.clone()), ..Selection::default() };
        let error = selection.files().unwrap_err();
        assert_eq!(error.to_string(), format!("failed to list the scenarios in `{}`: it is a file", file.display()));
        assert!(help(&error).contains("without `--scenarios`"), "{error:?}");
    }
}
