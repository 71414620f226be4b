//! Where Anvil is: flag, environment, PATH, Foundry's folder, our cache, and as a last resort a package from npm.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use etcetera::BaseStrategy as _;
use tokio::process::Command;

use super::SetupError;

/// The environment variable that names an Anvil binary.
pub const ANVIL_VARIABLE: &str = "HARNESS_ANVIL";
/// The version that is installed where there is none.
pub const ANVIL_VERSION: &str = "1.7.1";
const PACKAGE: &str = "@foundry-rs/anvil";
const CACHE_VARIABLE: &str = "HARNESS_CACHE";

/// How Anvil is looked for.
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
    /// Where it is.
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

/// What the environment says about where programs and caches are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The binary that [`ANVIL_VARIABLE`] names.
    pub variable: Option<PathBuf>,
    /// The folders of PATH, in their order.
    pub path: Vec<PathBuf>,
    /// The folder that Foundry installs to.
    pub foundry: Option<PathBuf>,
    /// The harness's cache.
    pub cache: PathBuf,
}

impl Places {
    /// Those of this process.
    pub fn from_environment() -> Result<Self, SetupError> {
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(Self {
            variable: variable(ANVIL_VARIABLE),
            path: env::split_paths(&path).collect(),
            foundry: variable("FOUNDRY_DIR").or_else(|| Some(etcetera::home_dir().ok()?.join(".foundry"))),
            cache: cache_folder()?,
        })
    }

    fn installed(&self) -> PathBuf {
        self.cache.join("tools").join(format!("anvil-{ANVIL_VERSION}"))
    }

    fn on_path(&self, program: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(program)).find(|path| is_executable(path))
    }
}

impl AnvilSearch {
    /// Finds Anvil without installing it; nothing where it is in none of the places.
    pub fn find(&self) -> Result<Option<AnvilBinary>, SetupError> {
        self.find_in(&Places::from_environment()?)
    }

    /// Finds Anvil, or installs it from npm into the cache after saying so to `notice`.
    pub async fn find_or_install(&self, notice: impl FnOnce(&str)) -> Result<AnvilBinary, SetupError> {
        self.find_or_install_in(&Places::from_environment()?, notice).await
    }

    /// Like [`Self::find`], with places of the caller's.
    pub fn find_in(&self, places: &Places) -> Result<Option<AnvilBinary>, SetupError> {
        if let Some(path) = &self.flag {
            return named(path, "--anvil", FoundIn::Flag).map(Some);
        }
        if let Some(path) = &places.variable {
            return named(path, ANVIL_VARIABLE, FoundIn::Environment).map(Some);
        }
        let foundry = places.foundry.as_ref().map(|folder| folder.join("bin").join("anvil"));
        let found = [
            (places.on_path("anvil"), FoundIn::Path),
            (foundry.filter(|path| is_executable(path)), FoundIn::Foundry),
            (binary_in(&places.installed()), FoundIn::Cache),
        ];
        Ok(found.into_iter().find_map(|(path, found_in)| Some(AnvilBinary { path: path?, found_in })))
    }

    /// Like [`Self::find_or_install`], with places of the caller's.
    pub async fn find_or_install_in(
        &self,
        places: &Places,
        notice: impl FnOnce(&str),
    ) -> Result<AnvilBinary, SetupError> {
        if let Some(found) = self.find_in(places)? {
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
        let Some(npm) = places.on_path("npm") else {
            return Err(not_found("there is no npm to install it with"));
        };
        let folder = places.installed();
        notice(&format!("installing {PACKAGE}@{ANVIL_VERSION} from npm into {}", folder.display()));
        install(&npm, &folder).await?;
        let path = binary_in(&folder).ok_or_else(|| SetupError::Install {
            package: format!("{PACKAGE}@{ANVIL_VERSION}"),
            folder,
            reason: "the package has no binary for this platform".to_owned(),
        })?;
        Ok(AnvilBinary { path, found_in: FoundIn::Cache })
    }
}

/// The folder for what can be made again: `HARNESS_CACHE`, else the user's cache folder.
pub fn cache_folder() -> Result<PathBuf, SetupError> {
    match variable(CACHE_VARIABLE) {
        Some(folder) => std::path::absolute(&folder).map_err(SetupError::file(folder)),
        None => {
            let folders = etcetera::choose_base_strategy().map_err(SetupError::NoCache)?;
            Ok(folders.cache_dir().join("hourglass-harness"))
        }
    }
}

async fn install(npm: &Path, folder: &Path) -> Result<(), SetupError> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(SetupError::file(parent))?;
    // Installed aside and renamed: two processes that install at once do not see each other's half.
    let aside = tempfile::Builder::new().prefix("anvil-").tempdir_in(parent).map_err(SetupError::file(parent))?;
    let output = Command::new(npm)
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"])
        .arg(aside.path())
        .arg(format!("{PACKAGE}@{ANVIL_VERSION}"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(SetupError::file(npm))?;
    if !output.status.success() {
        return Err(SetupError::Install {
            package: format!("{PACKAGE}@{ANVIL_VERSION}"),
            folder: folder.to_owned(),
            reason: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    let aside = aside.keep();
    let renamed = fs::rename(&aside, folder);
    if renamed.is_err() && binary_in(folder).is_some() {
        // Another process was first.
        return fs::remove_dir_all(&aside).map_err(SetupError::file(aside));
    }
    renamed.map_err(SetupError::file(folder))
}

fn named(path: &Path, origin: &'static str, found_in: FoundIn) -> Result<AnvilBinary, SetupError> {
    if is_executable(path) {
        Ok(AnvilBinary { path: path.to_owned(), found_in })
    } else {
        Err(SetupError::NotThere { path: path.to_owned(), origin })
    }
}

/// The platform's package holds the binary; the script of the main package would start Node.js first.
fn binary_in(folder: &Path) -> Option<PathBuf> {
    let scope = folder.join("node_modules").join("@foundry-rs");
    let packages = fs::read_dir(scope).ok()?;
    packages
        .filter_map(Result::ok)
        .map(|package| package.path().join("bin").join("anvil"))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
