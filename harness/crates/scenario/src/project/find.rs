//! Finds the project file of the current folder.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::super::error::ScenarioError;

/// The name of a project file.
pub const FILE_NAME: &str = "harness.yaml";

/// The sticky bit together with the right of everybody to write: the mode of `/tmp`.
const SHARED: u32 = 0o1002;

/// The project file in the current folder or in the nearest folder above it.
pub(super) fn above_current_folder() -> Result<Option<PathBuf>, ScenarioError> {
    // A current folder that was removed has nothing above it.
    env::current_dir().map_or(Ok(None), |folder| above(&folder))
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
