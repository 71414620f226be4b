//! Finds the `harness` executable, from which components and the supervisor are started.

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use hourglass_base::path_folders;

/// The variable that names the `harness` executable.
pub const EXECUTABLE_VARIABLE: &str = "HARNESS_EXECUTABLE";
const NAME: &str = "harness";

/// Whether the running executable behaves as `harness` when it is called with `harness`'s arguments.
static RUNNING_IS_HARNESS: AtomicBool = AtomicBool::new(false);

/// Why there is no `harness` executable to start components from.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    /// The named file does not exist.
    #[error("failed to use {path} as the harness executable, which {named_by} names: it is no file", path = path.display())]
    NotThere {
        /// The path.
        path: PathBuf,
        /// The origin of the path.
        named_by: &'static str,
    },
    /// It was not found.
    #[error(
        "failed to find the harness executable: {EXECUTABLE_VARIABLE} names none, PATH has no `{NAME}`, and there is none beside the \
         test ({}); build it with `cargo build --bin {NAME}`, or name it with {EXECUTABLE_VARIABLE} or \
         `Harness::builder().executable(path)`",
        listed(beside)
    )]
    Nowhere {
        /// The folders next to the running executable that were searched.
        beside: Vec<PathBuf>,
    },
    /// Its path cannot be passed to components.
    #[error("failed to use {path} as the harness executable", path = path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Declares that the running executable behaves as `harness` when it is called with `harness`'s arguments, so that no
/// other executable is needed. Only `hourglass_harness::main_if_harness` should call it.
pub fn serve_as_harness_executable() {
    RUNNING_IS_HARNESS.store(true, Ordering::Relaxed);
}

/// The executable that a test names, else the first that is found in the order of the crate documentation.
///
/// ```no_run
/// # fn example() -> Result<(), hourglass_api::ExecutableError> {
/// let harness = hourglass_api::find_executable(None)?;
/// println!("components are started from {}", harness.display());
/// # Ok(())
/// # }
/// ```
pub fn find_executable(named: Option<&Path>) -> Result<PathBuf, ExecutableError> {
    let found = SearchPaths::of_this_process().find(named)?;
    let broken = |source| ExecutableError::Path { path: found.clone(), source };
    let absolute = std::path::absolute(&found).map_err(broken)?;
    if absolute.to_str().is_none() {
        return Err(broken(io::Error::other("its path is not UTF-8")));
    }
    Ok(absolute)
}

struct SearchPaths {
    variable: Option<PathBuf>,
    path: Vec<PathBuf>,
    running: Option<PathBuf>,
    running_is_harness: bool,
}

impl SearchPaths {
    fn of_this_process() -> Self {
        Self {
            variable: env::var_os(EXECUTABLE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from),
            path: path_folders(),
            running: env::current_exe().ok(),
            running_is_harness: RUNNING_IS_HARNESS.load(Ordering::Relaxed),
        }
    }

    fn find(&self, named: Option<&Path>) -> Result<PathBuf, ExecutableError> {
        let by_builder = named.map(|path| (path, "the builder"));
        let by_variable = self.variable.as_deref().map(|path| (path, EXECUTABLE_VARIABLE));
        if let Some((path, named_by)) = by_builder.or(by_variable) {
            let path = path.to_owned();
            return if path.is_file() { Ok(path) } else { Err(ExecutableError::NotThere { path, named_by }) };
        }
        let beside = self.beside();
        let folders = self.path.iter().chain(&beside);
        let found = folders.map(|folder| folder.join(NAME)).find(|path| path.is_file());
        let itself = || self.running.clone().filter(|_| self.running_is_harness);
        found.or_else(itself).ok_or(ExecutableError::Nowhere { beside })
    }

    /// The folder of the running test, and its parent: Cargo puts tests into `deps`.
    fn beside(&self) -> Vec<PathBuf> {
        let ancestors = self.running.iter().flat_map(|running| running.ancestors().skip(1).take(2));
        ancestors.map(Path::to_owned).collect()
    }
}

fn listed(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    folders.join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The order in the crate documentation.
    #[test]
    fn the_first_executable_in_search_order_is_used() {
        let root = tempfile::tempdir().unwrap();
        let [bin, debug] = ["bin", "debug"].map(|name| root.path().join(name));
        fs::create_dir_all(debug.join("deps")).unwrap();
        fs::create_dir(&bin).unwrap();
        let running = debug.join("deps/test-0123");
        let mut places = SearchPaths {
            variable: None,
            path: vec![bin.clone()],
            running: Some(running.clone()),
            running_is_harness: false,
        };
        let error = places.find(None).unwrap_err().to_string();
        assert!(error.contains("cargo build --bin harness") && error.contains(debug.to_str().unwrap()), "{error}");
        places.running_is_harness = true;
        assert_eq!(places.find(None).unwrap(), running);
        for folder in [&debug, &bin] {
            fs::write(folder.join(NAME), "").unwrap();
            assert_eq!(places.find(None).unwrap(), folder.join(NAME));
        }
        let own = root.path().join("own");
        places.variable = Some(own.clone());
        assert!(places.find(None).unwrap_err().to_string().contains(EXECUTABLE_VARIABLE), "a wrong name is told");
        fs::write(&own, "").unwrap();
        assert_eq!(places.find(None).unwrap(), own);
        assert_eq!(places.find(Some(&bin.join(NAME))).unwrap(), bin.join(NAME));
    }
}
