//! The tools that deploy scripts of the public AVS template call, found as the scripts find them: on PATH, in Foundry's folder, and in
//! the harness's cache.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use hourglass_base::{cache::hold, find_in};

use super::{
    ANVIL_VERSION, FoundIn, SearchPaths, SetupError,
    discover::{SCOPE, binary_in},
    install::install,
};

/// A tool that deploy scripts call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployTool {
    /// Foundry's builder, which runs deploy scripts in Solidity.
    Forge,
    /// Foundry's client of chains.
    Cast,
    /// Reads and writes JSON.
    Jq,
    /// Reads and writes YAML.
    Yq,
    /// Starts what a Makefile names.
    Make,
}

impl DeployTool {
    /// All, Foundry's first.
    pub const ALL: [Self; 5] = [Self::Forge, Self::Cast, Self::Jq, Self::Yq, Self::Make];
    /// Those that [`DeployTool::find_or_install`] can install.
    pub const OF_FOUNDRY: [Self; 2] = [Self::Forge, Self::Cast];

    /// The name of its program.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forge => "forge",
            Self::Cast => "cast",
            Self::Jq => "jq",
            Self::Yq => "yq",
            Self::Make => "make",
        }
    }

    /// Finds the tool without installing it; `None` if deploy scripts do not find it.
    pub fn find(self) -> Result<Option<(PathBuf, FoundIn)>, SetupError> {
        Ok(self.find_in(&SearchPaths::from_environment()?))
    }

    /// Does the same as [`Self::find`] with other search paths.
    pub fn find_in(self, paths: &SearchPaths) -> Option<(PathBuf, FoundIn)> {
        let found = [
            (find_in(&paths.path, self.as_str()), FoundIn::Path),
            (find_in(foundry(paths).as_slice(), self.as_str()), FoundIn::Foundry),
            (self.installed_in(paths), FoundIn::Cache),
        ];
        found.into_iter().find_map(|(path, found_in)| Some((path?, found_in)))
    }

    /// Finds a tool of Foundry's, or installs it from npm into the cache, in the version of the harness's Anvil.
    pub async fn find_or_install(self) -> Result<PathBuf, SetupError> {
        self.find_or_install_in(&SearchPaths::from_environment()?).await
    }

    /// Does the same as [`Self::find_or_install`] with other search paths.
    pub async fn find_or_install_in(self, paths: &SearchPaths) -> Result<PathBuf, SetupError> {
        if let Some((path, _)) = self.find_in(paths) {
            return Ok(path);
        }
        let folder = paths.installed(self.as_str());
        let failed = |reason: &str| SetupError::Install {
            package: format!("{SCOPE}/{}@{ANVIL_VERSION}", self.as_str()),
            folder: folder.clone(),
            reason: reason.to_owned(),
        };
        if !Self::OF_FOUNDRY.contains(&self) {
            return Err(failed("it is none of Foundry's programs; install it with the package manager of the system"));
        }
        let npm = find_in(&paths.path, "npm");
        let npm =
            npm.ok_or_else(|| failed("npm is not in PATH; install Node.js, or Foundry (https://getfoundry.sh)"))?;
        install(&npm, &folder, self.as_str()).await?;
        self.installed_in(paths).ok_or_else(|| failed("the package has no binary for this platform"))
    }

    /// Where it was installed from npm. Only Foundry's tools are.
    fn installed_in(self, paths: &SearchPaths) -> Option<PathBuf> {
        let folder = paths.installed(self.as_str());
        let path = binary_in(&folder, self.as_str())?;
        hold(&folder);
        Some(path)
    }
}

/// The folder of Foundry's programs.
fn foundry(paths: &SearchPaths) -> Option<PathBuf> {
    Some(paths.foundry.as_ref()?.join("bin"))
}

/// `PATH` of deploy scripts, which has the folders of Foundry's programs behind those of this process.
pub(super) fn search_path() -> Option<(&'static str, OsString)> {
    let folders = folders(&SearchPaths::from_environment().ok()?);
    Some(("PATH", env::join_paths(folders).ok()?))
}

/// The folders in which deploy scripts find programs, in their order.
fn folders(paths: &SearchPaths) -> Vec<PathBuf> {
    let installed = DeployTool::OF_FOUNDRY.into_iter().filter_map(|tool| tool.installed_in(paths));
    let installed = installed.filter_map(|program| program.parent().map(Path::to_owned));
    let all = paths.path.iter().cloned().chain(foundry(paths)).chain(installed);
    // An empty one is the folder in which the script starts.
    all.filter(|folder| folder != Path::new("")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use tempfile::TempDir;

    use super::*;

    /// Stands in for npm and the registry: the test checks what happens to a package that npm has installed.
    const INSTALLS: &str = "PATH=/usr/bin:/bin; case $8 in @foundry-rs/forge*) ;; *) exit 1 ;; esac; \
                            package=$7/node_modules/@foundry-rs/forge-linux/bin; mkdir -p $package; \
                            printf '#!/bin/sh\\n' > $package/forge; chmod +x $package/forge";

    fn machine() -> (TempDir, SearchPaths) {
        let root = tempfile::tempdir().unwrap();
        let [bin, foundry, cache] = ["bin", "foundry", "cache"].map(|name| root.path().join(name));
        (root, SearchPaths { variable: None, path: vec![PathBuf::new(), bin], foundry: Some(foundry), cache })
    }

    fn program(path: PathBuf, script: &str) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A tool that is told as found and not on the PATH of scripts would be missing to them all the same.
    #[tokio::test]
    async fn a_tool_is_found_where_scripts_find_it() {
        let (root, paths) = machine();
        assert_eq!(DeployTool::Forge.find_in(&paths), None);
        let [bin, foundry] = ["bin", "foundry/bin"].map(|name| root.path().join(name));
        assert_eq!(folders(&paths), [bin.clone(), foundry.clone()]);

        program(bin.join("npm"), INSTALLS);
        let cached = DeployTool::Forge.find_or_install_in(&paths).await.unwrap();
        assert_eq!(DeployTool::Forge.find_in(&paths), Some((cached.clone(), FoundIn::Cache)));
        assert_eq!(folders(&paths), [bin.clone(), foundry.clone(), cached.parent().unwrap().to_owned()]);
        let in_foundry = program(foundry.join("forge"), "");
        assert_eq!(DeployTool::Forge.find_in(&paths), Some((in_foundry, FoundIn::Foundry)));
        let on_path = program(bin.join("forge"), "");
        assert_eq!(DeployTool::Forge.find_in(&paths), Some((on_path.clone(), FoundIn::Path)));
        assert_eq!(DeployTool::Forge.find_or_install_in(&paths).await.unwrap(), on_path);
    }

    #[tokio::test]
    async fn what_cannot_be_installed_is_named_with_a_remedy() {
        let (root, paths) = machine();
        let error = DeployTool::Cast.find_or_install_in(&paths).await.unwrap_err().to_string();
        assert!(error.contains("@foundry-rs/cast@1.7.1") && error.contains("npm is not in PATH"), "{error}");
        program(root.path().join("bin/npm"), INSTALLS);
        let error = DeployTool::Jq.find_or_install_in(&paths).await.unwrap_err().to_string();
        assert!(error.contains("package manager"), "{error}");
    }
}
