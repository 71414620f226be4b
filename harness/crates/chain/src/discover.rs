//! Finds Anvil: flag, environment, PATH, Foundry's folder, the harness's cache, and as a last resort a package from
//! npm.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use hourglass_base::{
    cache::{cache_folder, hold},
    find_in, is_executable, path_folders,
};

use super::{SetupError, install::install};

/// The environment variable that names an Anvil binary.
pub const ANVIL_VARIABLE: &str = "HARNESS_ANVIL";
/// The version that is installed if there is none.
pub const ANVIL_VERSION: &str = "1.7.1";
/// The scope of Foundry's packages in npm.
pub(super) const SCOPE: &str = "@foundry-rs";
const PACKAGE: &str = "@foundry-rs/anvil";
const ANVIL: &str = "anvil";

/// How to look for Anvil.
#[derive(Debug, Clone, Default)]
pub struct AnvilSearch {
    /// The path that a flag named; nothing else is tried then.
    pub flag: Option<PathBuf>,
    /// Install nothing.
    pub offline: bool,
}

/// An Anvil binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnvilBinary {
    /// Its path.
    pub path: PathBuf,
    /// How it was found.
    pub found_in: FoundIn,
}

/// How a binary was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundIn {
    /// A flag names it.
    Flag,
    /// [`ANVIL_VARIABLE`] names it.
    Environment,
    /// On PATH.
    Path,
    /// In the folder that Foundry installs to.
    Foundry,
    /// In the harness's cache.
    Cache,
}

/// Search paths from the environment.
#[derive(Debug, Clone, Default)]
pub struct SearchPaths {
    /// The binary that [`ANVIL_VARIABLE`] names.
    pub variable: Option<PathBuf>,
    /// The folders of PATH, in their order.
    pub path: Vec<PathBuf>,
    /// The folder that Foundry installs to.
    pub foundry: Option<PathBuf>,
    /// The harness's cache.
    pub cache: PathBuf,
}

impl SearchPaths {
    /// The search paths of this process.
    pub fn from_environment() -> Result<Self, SetupError> {
        Ok(Self {
            variable: variable(ANVIL_VARIABLE),
            path: path_folders(),
            foundry: variable("FOUNDRY_DIR").or_else(|| Some(etcetera::home_dir().ok()?.join(".foundry"))),
            cache: cache_folder()?,
        })
    }

    /// The folder of a program of Foundry's that was installed from npm.
    pub(super) fn installed(&self, program: &str) -> PathBuf {
        self.cache.join("tools").join(format!("{program}-{ANVIL_VERSION}"))
    }

    fn on_path(&self, program: &str) -> Option<PathBuf> {
        find_in(&self.path, program)
    }
}

impl AnvilSearch {
    /// Finds Anvil without installing it; `None` if it is not found.
    pub fn find(&self) -> Result<Option<AnvilBinary>, SetupError> {
        self.find_in(&SearchPaths::from_environment()?)
    }

    /// Finds Anvil, or installs it from npm into the cache after a message to `notice`.
    pub async fn find_or_install(&self, notice: impl FnOnce(&str)) -> Result<AnvilBinary, SetupError> {
        self.find_or_install_in(&SearchPaths::from_environment()?, notice).await
    }

    /// Does the same as [`Self::find`] with other search paths.
    pub fn find_in(&self, paths: &SearchPaths) -> Result<Option<AnvilBinary>, SetupError> {
        if let Some(path) = &self.flag {
            return named(path, "--anvil", FoundIn::Flag).map(Some);
        }
        if let Some(path) = &paths.variable {
            return named(path, ANVIL_VARIABLE, FoundIn::Environment).map(Some);
        }
        let foundry = paths.foundry.as_ref().map(|folder| folder.join("bin").join(ANVIL));
        let found = [
            (paths.on_path(ANVIL), FoundIn::Path),
            (foundry.filter(|path| is_executable(path)), FoundIn::Foundry),
            (binary_in(&paths.installed(ANVIL), ANVIL), FoundIn::Cache),
        ];
        let found = found.into_iter().find_map(|(path, found_in)| Some(AnvilBinary { path: path?, found_in }));
        if found.as_ref().is_some_and(|binary| binary.found_in == FoundIn::Cache) {
            hold(&paths.installed(ANVIL));
        }
        Ok(found)
    }

    /// Does the same as [`Self::find_or_install`] with other search paths.
    pub async fn find_or_install_in(
        &self,
        paths: &SearchPaths,
        notice: impl FnOnce(&str),
    ) -> Result<AnvilBinary, SetupError> {
        if let Some(found) = self.find_in(paths)? {
            tracing::debug!(path = %found.path.display(), found_in = ?found.found_in, "Anvil found");
            return Ok(found);
        }
        let not_found = |why: &str| SetupError::NotFound {
            reason: format!(
                "neither {ANVIL_VARIABLE} nor PATH, Foundry's folder or the cache has it, and {why}; install Foundry, \
                 or run `npm install {PACKAGE}@{ANVIL_VERSION}` and name its binary with --anvil or {ANVIL_VARIABLE}"
            ),
        };
        if self.offline {
            return Err(not_found("--offline forbids to install it"));
        }
        let Some(npm) = paths.on_path("npm") else {
            return Err(not_found("there is no npm to install it with"));
        };
        let folder = paths.installed(ANVIL);
        notice(&format!("installing {PACKAGE}@{ANVIL_VERSION} from npm into {}", folder.display()));
        install(&npm, &folder, ANVIL).await?;
        let path = binary_in(&folder, ANVIL).ok_or_else(|| SetupError::Install {
            package: format!("{PACKAGE}@{ANVIL_VERSION}"),
            folder,
            reason: "the package has no binary for this platform".to_owned(),
        })?;
        hold(&paths.installed(ANVIL));
        Ok(AnvilBinary { path, found_in: FoundIn::Cache })
    }
}

/// Anvil's path is an argument of tools that take text.
fn text(path: PathBuf) -> Result<PathBuf, SetupError> {
    if path.to_str().is_some() { Ok(path) } else { Err(SetupError::NotUtf8 { path }) }
}

fn named(path: &Path, origin: &'static str, found_in: FoundIn) -> Result<AnvilBinary, SetupError> {
    if is_executable(path) {
        Ok(AnvilBinary { path: text(path.to_owned())?, found_in })
    } else {
        Err(SetupError::NotThere { path: path.to_owned(), origin })
    }
}

/// The platform's package contains the binary; the script of the main package would start Node.js first.
pub(super) fn binary_in(folder: &Path, program: &str) -> Option<PathBuf> {
    let scope = folder.join("node_modules").join(SCOPE);
    let packages = fs::read_dir(scope).ok()?;
    packages
        .filter_map(Result::ok)
        .map(|package| package.path().join("bin").join(program))
        .find(|path| is_executable(path))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::PermissionsExt as _,
        time::{Duration, SystemTime},
    };

    use tempfile::TempDir;

    use super::*;

    /// Stands in for npm and the registry: the test checks what happens to a package that npm has installed.
    const INSTALLS: &str = "PATH=/usr/bin:/bin; package=$7/node_modules/@foundry-rs/anvil-linux/bin; mkdir -p $package; \
                            printf '#!/bin/sh\\n' > $package/anvil; chmod +x $package/anvil";

    /// A machine that has programs only in these folders.
    struct Machine {
        root: TempDir,
        paths: SearchPaths,
    }

    impl Machine {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let [bin, sbin, foundry, cache] = ["bin", "sbin", "foundry", "cache"].map(|name| root.path().join(name));
            let paths = SearchPaths { variable: None, path: vec![bin, sbin], foundry: Some(foundry), cache };
            Self { root, paths }
        }

        fn program(&self, path: &Path, script: &str) -> PathBuf {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn cached(&self) -> PathBuf {
            let package = Path::new("node_modules/@foundry-rs/anvil-linux/bin/anvil");
            self.program(&self.paths.installed(ANVIL).join(package), "")
        }

        fn tools(&self) -> Vec<String> {
            let entries = fs::read_dir(self.paths.cache.join("tools")).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }

        fn find(&self) -> Option<(PathBuf, FoundIn)> {
            let found = AnvilSearch::default().find_in(&self.paths).unwrap();
            found.map(|binary| (binary.path, binary.found_in))
        }

        async fn install(&self, offline: bool) -> (Result<AnvilBinary, SetupError>, String) {
            let mut notices = String::new();
            let search = AnvilSearch { flag: None, offline };
            let found = search.find_or_install_in(&self.paths, |notice| notices.push_str(notice)).await;
            (found, notices)
        }
    }

    /// Later folders are filled first, so that each folder is seen to win over those after it.
    #[test]
    fn search_paths_are_tried_in_order() {
        let mut machine = Machine::new();
        assert_eq!(machine.find(), None);
        let cached = machine.cached();
        assert_eq!(machine.find(), Some((cached, FoundIn::Cache)));
        let foundry = machine.program(Path::new("foundry/bin/anvil"), "");
        assert_eq!(machine.find(), Some((foundry, FoundIn::Foundry)));
        let second = machine.program(Path::new("sbin/anvil"), "");
        assert_eq!(machine.find(), Some((second.clone(), FoundIn::Path)));
        let first = machine.program(Path::new("bin/anvil"), "");
        assert_eq!(machine.find(), Some((first.clone(), FoundIn::Path)));
        fs::set_permissions(&first, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(machine.find(), Some((second, FoundIn::Path)), "a file that nobody may execute is no program");
        let named = machine.program(Path::new("elsewhere/my-anvil"), "");
        machine.paths.variable = Some(named.clone());
        assert_eq!(machine.find(), Some((named, FoundIn::Environment)));
        let flag = machine.program(Path::new("elsewhere/other"), "");
        let search = AnvilSearch { flag: Some(flag.clone()), offline: false };
        let found = search.find_in(&machine.paths).unwrap();
        assert_eq!(found, Some(AnvilBinary { path: flag, found_in: FoundIn::Flag }));
    }

    /// A named binary is not replaced by another one.
    #[test]
    fn a_named_binary_that_does_not_exist_is_an_error() {
        let mut machine = Machine::new();
        machine.cached();
        machine.paths.variable = Some("/nowhere/anvil".into());
        let error = AnvilSearch::default().find_in(&machine.paths).unwrap_err();
        assert_eq!(error.to_string(), "failed to find Anvil at /nowhere/anvil, which HARNESS_ANVIL names");
        let search = AnvilSearch { flag: Some(machine.root.path().to_owned()), offline: false };
        let error = search.find_in(&machine.paths).unwrap_err().to_string();
        assert!(error.ends_with("which --anvil names"), "a folder is no binary: {error}");
    }

    #[tokio::test]
    async fn offline_installs_nothing_and_the_error_names_the_alternatives() {
        let machine = Machine::new();
        machine.program(Path::new("bin/npm"), "touch \"$0.was-called\"");
        let (found, notice) = machine.install(true).await;
        let error = found.unwrap_err().to_string();
        for part in ["--offline", "Foundry", "npm install @foundry-rs/anvil@1.7.1", "--anvil", "HARNESS_ANVIL"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert_eq!(notice, "");
        assert!(!machine.root.path().join("bin/npm.was-called").exists());
        machine.cached();
        machine.install(true).await.0.expect("offline uses what is there");
    }

    #[tokio::test]
    async fn without_npm_the_error_names_the_alternatives() {
        let error = Machine::new().install(false).await.0.unwrap_err().to_string();
        assert!(error.contains("there is no npm") && error.contains("HARNESS_ANVIL"), "{error}");
    }

    #[tokio::test]
    async fn npm_output_is_in_the_error() {
        let machine = Machine::new();
        machine.program(Path::new("bin/npm"), "echo no route to the registry >&2; exit 1");
        let (found, notice) = machine.install(false).await;
        let error = found.unwrap_err().to_string();
        assert!(
            error.contains("no route to the registry")
                && error.contains("@foundry-rs/anvil")
                && error.contains("@1.7.1"),
            "{error}"
        );
        assert!(notice.contains("from npm into"), "it is said before it is done: {notice}");
        let left = fs::read_dir(machine.paths.cache.join("tools")).unwrap().count();
        assert_eq!(left, 0, "nothing half-installed is left");
    }

    /// A package without its binary, such as a damaged one, must not block a whole one for good.
    #[tokio::test]
    async fn an_incomplete_installation_is_replaced() {
        let machine = Machine::new();
        machine.program(Path::new("bin/npm"), INSTALLS);
        fs::create_dir_all(machine.paths.installed(ANVIL).join("node_modules/@foundry-rs/anvil")).unwrap();
        let found = machine.install(false).await.0.unwrap();
        assert!(is_executable(&found.path));
        assert_eq!(machine.tools(), ["anvil-1.7.1"], "nothing is left beside it");
    }

    /// Otherwise each attempt would leave the 43 MB of the previous one.
    #[tokio::test]
    async fn unfinished_installations_of_killed_processes_are_removed() {
        let machine = Machine::new();
        machine.program(Path::new("bin/npm"), INSTALLS);
        let tools = machine.paths.cache.join("tools");
        for (name, hours) in [(".installing-old", 0), ("anvil-Ab3xYz", 2), ("anvil-Zz9aBc", 0)] {
            fs::create_dir_all(tools.join(name)).unwrap();
            fs::write(tools.join(name).join("lock"), "").unwrap();
            let then = SystemTime::now() - Duration::from_hours(hours);
            fs::File::open(tools.join(name)).unwrap().set_modified(then).unwrap();
        }
        machine.install(false).await.0.unwrap();
        let left = machine.tools();
        assert_eq!(left, ["anvil-1.7.1", "anvil-Zz9aBc"], "one of another version may be in the making");
    }

    /// A caller that gives up must not leave npm writing to the disk.
    #[tokio::test]
    async fn npm_is_killed_when_its_caller_gives_up() {
        let machine = Machine::new();
        let pid = machine.root.path().join("pid");
        let script = format!("PATH=/usr/bin:/bin; sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait", pid.display());
        machine.program(Path::new("bin/npm"), &script);
        let started = async {
            while !pid.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            (found, _) = machine.install(false) => panic!("npm does not end: {found:?}"),
            () = started => {}
        }
        let process = Path::new("/proc").join(fs::read_to_string(pid).unwrap().trim()).join("exe");
        let gone = async {
            while fs::read_link(&process).is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("what npm started is ended");
    }

    /// Stands in for the registry: the test checks what happens to a package that npm has installed.
    #[tokio::test]
    async fn concurrent_installations_give_the_same_binary() {
        let machine = Machine::new();
        machine.program(Path::new("bin/npm"), INSTALLS);
        let (one, two) = tokio::join!(machine.install(false), machine.install(false));
        let (one, two) = (one.0.unwrap(), two.0.unwrap());
        assert_eq!(one, two);
        assert!(one.path.starts_with(machine.paths.installed(ANVIL)) && is_executable(&one.path));
        assert_eq!(fs::read_dir(machine.paths.cache.join("tools")).unwrap().count(), 1, "nothing is left beside it");
        let (again, notice) = machine.install(false).await;
        assert_eq!((again.unwrap(), notice.as_str()), (one, ""), "the second time it is there");
    }
}
