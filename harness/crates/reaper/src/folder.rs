//! Removal of a run's folder, which must never remove anything else.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::ReaperError;

/// The folder of one run, which the supervisor removes when the harness was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    /// The folder that holds the folders of all runs; nothing outside it is ever removed.
    pub root: PathBuf,
    /// The folder of this run, somewhere below `root`.
    pub path: PathBuf,
}

impl RunFolder {
    /// Removes the folder with its content; a symbolic link in it is removed, never followed.
    ///
    /// Does nothing if the folder does not exist. Fails if it is not a real folder below the root.
    pub(super) fn remove(&self) -> Result<(), ReaperError> {
        let Some(folder) = self.resolve()? else { return Ok(()) };
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ReaperError::Folder { path: folder, source: error })
            }
            _ => Ok(()),
        }
    }

    /// The folder's path without symbolic links, or `None` if there is no such folder.
    fn resolve(&self) -> Result<Option<PathBuf>, ReaperError> {
        let refused = |reason: &str| ReaperError::RefusedFolder { path: self.path.clone(), reason: reason.to_owned() };
        if self.path.components().any(|component| component == Component::ParentDir) {
            return Err(refused("the path contains `..`"));
        }
        let (Some(parent), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(refused("the path names no folder"));
        };
        let (Some(root), Some(parent)) = (real_path(&self.root)?, real_path(parent)?) else { return Ok(None) };
        if !parent.starts_with(&root) {
            return Err(refused(&format!("it is not below {}", root.display())));
        }
        let folder = parent.join(name);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(folder)),
            Ok(_) => Err(refused("it is not a folder")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReaperError::Folder { path: folder, source }),
        }
    }
}

fn real_path(path: &Path) -> Result<Option<PathBuf>, ReaperError> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReaperError::Folder { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn runs() -> (TempDir, PathBuf) {
        let base = TempDir::new().unwrap();
        let root = base.path().join("runs");
        fs::create_dir(&root).unwrap();
        (base, root)
    }

    #[test]
    fn a_link_inside_is_removed_and_its_target_is_kept() {
        let (base, root) = runs();
        let path = root.join("one");
        fs::create_dir_all(path.join("logs")).unwrap();
        fs::write(base.path().join("precious"), "kept").unwrap();
        symlink(base.path(), path.join("logs/out")).unwrap();

        RunFolder { root, path: path.clone() }.remove().unwrap();

        assert!(!path.exists(), "the run's folder is still there");
        assert!(base.path().join("precious").exists(), "a link was followed out of the run's folder");
    }

    #[test]
    fn a_folder_outside_the_root_is_refused() {
        let (base, root) = runs();
        let outside = base.path().join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(base.path(), root.join("link")).unwrap();

        for path in
            [outside.clone(), root.join("../outside"), root.join("link/outside"), root.join("link"), root.clone()]
        {
            let folder = RunFolder { root: root.clone(), path };
            let refused = folder.remove();
            assert!(matches!(refused, Err(ReaperError::RefusedFolder { .. })), "{folder:?}: {refused:?}");
        }
        assert!(outside.is_dir() && root.is_dir(), "something outside the folder of runs was removed");
    }

    #[test]
    fn a_folder_that_is_gone_is_no_error() {
        let (_base, root) = runs();
        let path = root.join("one/trial");
        RunFolder { root, path }.remove().unwrap();
    }
}
