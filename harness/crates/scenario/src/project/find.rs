//! Finds the project file of the current folder, or of the scenarios that are named.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::super::error::ScenarioError;

/// The name of a project file.
pub const FILE_NAME: &str = "harness.yaml";

/// The sticky bit together with the right of everybody to write: the mode of `/tmp`.
const SHARED: u32 = 0o1002;

/// The project file in the current folder or in the nearest folder above it; if there is none, that of the scenario files and
/// folders that are `named`.
pub(super) fn of(named: &[PathBuf]) -> Result<Option<PathBuf>, ScenarioError> {
    // A current folder that was removed has nothing above it.
    let of_current = env::current_dir().map_or(Ok(None), |folder| above(&folder))?;
    if of_current.is_some() { Ok(of_current) } else { of_named(named) }
}

/// The project file that all of `named` have above them. They run together, and a run has one project or none.
fn of_named(named: &[PathBuf]) -> Result<Option<PathBuf>, ScenarioError> {
    let mut first: Option<(&PathBuf, Option<PathBuf>)> = None;
    for path in named {
        let project = above_named(path)?;
        let Some((earlier, of_earlier)) = &first else {
            first = Some((path, project));
            continue;
        };
        if *of_earlier != project {
            let first = ((*earlier).clone(), of_earlier.clone());
            return Err(ScenarioError::SeveralProjects { first, other: (path.clone(), project) });
        }
    }
    Ok(first.and_then(|(_, project)| project))
}

/// The project file above a file or folder. What is not there is reported where it is read.
fn above_named(path: &Path) -> Result<Option<PathBuf>, ScenarioError> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Without `..`, whose parent by its text is not the folder above.
    fs::canonicalize(folder).map_or(Ok(None), |folder| above(&folder))
}

/// A project file contains commands. One that somebody else has put into a folder that belongs to everybody is refused.
fn above(folder: &Path) -> Result<Option<PathBuf>, ScenarioError> {
    for folder in folder.ancestors() {
        let path = folder.join(FILE_NAME);
        let Ok(file) = fs::metadata(&path) else { continue };
        if !file.is_file() {
            continue;
        }
        let is_shared = fs::metadata(folder).is_ok_and(|folder| folder.mode() & SHARED == SHARED);
        let is_ours = [0, rustix::process::geteuid().as_raw()].contains(&file.uid());
        if is_shared && !is_ours {
            return Err(ScenarioError::ForeignProject(path));
        }
        return Ok(Some(path));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_file_is_found() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(above(&deep).unwrap(), None);
        fs::write(root.path().join(FILE_NAME), "").unwrap();
        assert_eq!(above(&deep).unwrap(), Some(root.path().join(FILE_NAME)));
        fs::create_dir(deep.join(FILE_NAME)).unwrap();
        assert_eq!(above(&deep).unwrap(), Some(root.path().join(FILE_NAME)), "a folder is no project file");
        fs::write(root.path().join("a").join(FILE_NAME), "").unwrap();
        assert_eq!(above(&deep).unwrap(), Some(root.path().join("a").join(FILE_NAME)));
    }

    /// A scenario that is named from elsewhere is about the performer of its project, and not about the reference one.
    #[test]
    fn the_project_of_named_scenarios_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["one/scenarios", "other/scenarios", "none"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for project in ["one", "other"] {
            fs::write(root.join(project).join(FILE_NAME), "").unwrap();
        }
        let found = |names: &[&str]| of_named(&names.iter().map(|name| root.join(name)).collect::<Vec<_>>());
        let one = Some(root.join("one").join(FILE_NAME));
        assert_eq!(found(&["one/scenarios/a.yaml", "one/scenarios"]).unwrap(), one);
        assert_eq!(found(&["none/../one/scenarios/a.yaml"]).unwrap(), one);
        assert_eq!(found(&["none/a.yaml"]).unwrap(), None);
        assert_eq!(found(&[]).unwrap(), None);
        for (names, project) in [
            (["one/scenarios/a.yaml", "other/scenarios/a.yaml"], "other/harness.yaml`"),
            (["one/scenarios/a.yaml", "none/a.yaml"], "belongs to none"),
        ] {
            let error = found(&names).unwrap_err();
            assert!(matches!(error, ScenarioError::SeveralProjects { .. }), "{error}");
            assert!(error.to_string().contains(project), "{error}");
        }
    }

    /// Whoever may write to `/tmp` must not decide which commands others run there.
    #[test]
    fn a_file_of_another_user_in_a_folder_of_everybody_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(FILE_NAME);
        fs::write(&path, "").unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(above(root.path()).unwrap().is_some());
        chown(&path, Some(4242), None).unwrap();
        let error = above(root.path()).unwrap_err();
        assert!(matches!(&error, ScenarioError::ForeignProject(refused) if *refused == path), "{error}");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(above(root.path()).unwrap().is_some());
    }
}
