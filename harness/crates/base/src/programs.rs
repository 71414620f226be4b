//! Programs of this machine, and how much of it they can use at once.

use std::{
    env,
    num::NonZero,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

/// Whether there is a file that is executable.
pub fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The folders of `PATH`, in its order; none if it is not set.
pub fn path_folders() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The program of this name in the first of these folders that has it.
pub fn find_in(folders: &[PathBuf], program: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(program)).find(|path| is_executable(path))
}

/// The program of this name that comes first in `PATH`.
pub fn on_path(program: &str) -> Option<PathBuf> {
    find_in(&path_folders(), program)
}

/// How many threads can run at once.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executable_files_are_found() {
        assert!(on_path("sh").is_some_and(|path| is_executable(&path)));
        assert_eq!(on_path("a program that nobody has"), None);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(!is_executable(file.path()), "its mode is 600");
        assert!(!is_executable(Path::new("/")), "a folder is no program");
    }
}
