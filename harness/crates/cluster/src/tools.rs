//! The programs that clusters need: kind and Helm, on PATH or installed by `harness setup kubernetes`.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use hourglass_base::{
    cache::{CacheError, cache_folder, hold},
    find_in, is_executable, on_path, path_folders,
};

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);

/// A program that clusters need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// What it is called.
    pub program: &'static str,
    /// The Go module that `go install` builds it from.
    pub module: &'static str,
    /// The version that is installed.
    pub version: &'static str,
    /// The oldest version that works.
    pub oldest: [u64; 2],
}

/// A program that was found and works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// Where it is.
    pub path: PathBuf,
    /// The version that it reports, as `0.33.0`.
    pub version: String,
}

impl Tool {
    /// Makes clusters.
    pub const KIND: Self = Self { program: "kind", module: "sigs.k8s.io/kind", version: "v0.33.0", oldest: [0, 27] };
    /// Installs charts.
    pub const HELM: Self =
        Self { program: "helm", module: "helm.sh/helm/v3/cmd/helm", version: "v3.22.0", oldest: [3, 14] };

    /// The first program that works: on PATH, else where [`Self::installed`] says. Each is run for its version; if none
    /// works, the error is about the first that was found.
    pub async fn check(&self) -> Result<FoundTool, ToolError> {
        self.check_in(&path_folders(), &cache_folder().map_err(ToolError::Cache)?).await
    }

    /// Does the same as [`Self::check`] with other folders of programs and another cache.
    pub async fn check_in(&self, path: &[PathBuf], cache: &Path) -> Result<FoundTool, ToolError> {
        let on_path = find_in(path, self.program);
        let mut problem = None;
        for candidate in on_path.into_iter().chain(Some(self.installed_in(cache))).filter(|path| is_executable(path)) {
            match self.serves(&candidate).await {
                Ok(found) => {
                    candidate.parent().filter(|folder| folder.starts_with(cache)).map(hold);
                    return Ok(found);
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(problem.unwrap_or(ToolError::NotFound { tool: *self }))
    }

    /// Its path, on PATH or else in the cache. It is not run: it may be too old, which [`Self::check`] finds out.
    pub fn find(&self) -> Result<PathBuf, ToolError> {
        if let Some(path) = on_path(self.program) {
            return Ok(path);
        }
        let installed = Some(self.installed()?).filter(|path| is_executable(path));
        installed.ok_or(ToolError::NotFound { tool: *self })
    }

    /// Where the harness installs it: `tools/PROGRAM-VERSION/PROGRAM` in its cache.
    pub fn installed(&self) -> Result<PathBuf, ToolError> {
        Ok(self.installed_in(&cache_folder().map_err(ToolError::Cache)?))
    }

    /// Does the same as [`Self::installed`] with another cache.
    pub fn installed_in(&self, cache: &Path) -> PathBuf {
        cache.join("tools").join(format!("{}-{}", self.program, self.version)).join(self.program)
    }

    async fn serves(&self, path: &Path) -> Result<FoundTool, ToolError> {
        let broken = |reason: String| ToolError::Broken { tool: *self, path: path.to_owned(), reason };
        let mut command = Command::new(path);
        // Without this option, Helm prints its version as a Go structure.
        let arguments: &[&str] = if *self == Self::HELM { &["version", "--short"] } else { &["version"] };
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(LIMIT, command.output()).await;
        let output = output.map_err(|_| broken(format!("no answer within {}", humantime::format_duration(LIMIT))))?;
        let output = output.map_err(|error| broken(error.to_string()))?;
        let version = version_in(&String::from_utf8_lossy(&output.stdout))
            .ok_or_else(|| broken(format!("it ended with {} and says no version", output.status)))?;
        if numbers(&version).as_slice() < self.oldest.as_slice() {
            return Err(ToolError::TooOld { tool: *self, path: path.to_owned(), found: version });
        }
        Ok(FoundTool { path: path.to_owned(), version })
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.program)
    }
}

/// Why a program that clusters need cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(CacheError),
    /// It was not found.
    #[error("failed to find {tool}: it is neither on PATH nor in the harness's cache")]
    NotFound {
        /// Which.
        tool: Tool,
    },
    /// Its version is too old.
    #[error("failed to use {}: it is version {found}, and at least {}.{} is needed", path.display(), tool.oldest[0], tool.oldest[1])]
    TooOld {
        /// Which.
        tool: Tool,
        /// Where.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It cannot be run.
    #[error("failed to run {}: {reason}", path.display())]
    Broken {
        /// Which.
        tool: Tool,
        /// Where.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

impl ToolError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Cache(error) => error.remedy().to_owned(),
            Self::NotFound { tool } => format!(
                "`harness setup kubernetes` installs it with Go; or put {tool} {} or later on PATH",
                tool.version
            ),
            Self::TooOld { tool, .. } => format!(
                "`harness setup kubernetes` installs {tool} {} for the harness and leaves this one alone; or renew it",
                tool.version
            ),
            Self::Broken { tool, .. } => format!(
                "`harness setup kubernetes` installs {tool} {} for the harness and leaves this one alone; or repair it",
                tool.version
            ),
        }
    }
}

/// `0.33.0` of `kind v0.33.0 go1.26.8 linux/amd64`, `3.22` of `v3.22` and `3.16.2` of `v3.16.2+g13654a5`.
fn version_in(text: &str) -> Option<String> {
    let number =
        |word: &'_ str| word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let word = text.split_whitespace().find(|word| number(word))?;
    Some(word[1..].split(['+', '-']).next().unwrap_or_default().to_owned())
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// A folder for programs and a cache, each with a kind that prints this, or without one.
    async fn checked(on_path: Option<&str>, installed: Option<&str>) -> Result<FoundTool, ToolError> {
        let root = tempfile::tempdir().unwrap();
        let (bin, cache) = (root.path().join("bin"), root.path().join("cache"));
        for (path, says) in [(bin.join("kind"), on_path), (Tool::KIND.installed_in(&cache), installed)] {
            let Some(says) = says else { continue };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Tool::KIND.check_in(&[bin], &cache).await
    }

    const OLD: &str = "kind v0.20.0 go1.20.4 linux/amd64";
    const NEW: &str = "kind v0.30.0 go1.24.6 linux/amd64";
    const OURS: &str = "kind v0.33.0 go1.26.8 linux/amd64";

    /// The user's own program is preferred if it works; one that does not work does not hide the installed one.
    #[rstest::rstest]
    #[case::on_path(Some(NEW), Some(OURS), "0.30.0")]
    #[case::in_the_cache(None, Some(OURS), "0.33.0")]
    #[case::beside_an_old_one(Some(OLD), Some(OURS), "0.33.0")]
    #[case::beside_a_broken_one(Some("no such thing"), Some(OURS), "0.33.0")]
    #[tokio::test]
    async fn the_first_working_program_is_used(
        #[case] on_path: Option<&str>,
        #[case] cached: Option<&str>,
        #[case] version: &str,
    ) {
        assert_eq!(checked(on_path, cached).await.unwrap().version, version);
    }

    #[tokio::test]
    async fn each_unusable_program_has_its_own_error_and_remedy() {
        let none = checked(None, None).await.unwrap_err();
        assert!(matches!(none, ToolError::NotFound { .. }), "{none}");
        let old = checked(Some(OLD), None).await.unwrap_err();
        assert!(old.to_string().ends_with("it is version 0.20.0, and at least 0.27 is needed"), "{old}");
        let broken = checked(Some("no such thing"), Some(OLD)).await.unwrap_err();
        assert!(broken.to_string().contains("bin/kind: it ended with exit status: 0 and says no version"), "{broken}");
        for error in [none, old, broken] {
            assert!(error.remedy().contains("`harness setup kubernetes` installs"), "{error}");
        }
    }

    #[rstest::rstest]
    #[case("kind v0.33.0 go1.26.8 linux/amd64\n", Some("0.33.0"))]
    #[case("kind v0.34.0-alpha+1234 go1.26.8 linux/amd64\n", Some("0.34.0"))]
    #[case("v3.22\n", Some("3.22"))]
    #[case("v3.16.2+g13654a5\n", Some("3.16.2"))]
    #[case("version: unknown\n", None)]
    fn versions_are_parsed(#[case] text: &str, #[case] version: Option<&str>) {
        assert_eq!(version_in(text).as_deref(), version);
    }
}
