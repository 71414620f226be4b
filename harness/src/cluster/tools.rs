//! The programs that clusters need: kind and Helm, on PATH or installed by `harness setup kubernetes`.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use crate::chain::{SetupError, cache_folder};

/// A program that clusters need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// What it is called.
    pub program: &'static str,
    /// The Go module that `go install` makes it of.
    pub module: &'static str,
    /// The version that is installed.
    pub version: &'static str,
    /// The oldest version that serves.
    pub oldest: [u64; 2],
}

impl Tool {
    /// Makes clusters.
    pub const KIND: Self = Self { program: "kind", module: "sigs.k8s.io/kind", version: "v0.33.0", oldest: [0, 27] };
    /// Installs charts.
    pub const HELM: Self =
        Self { program: "helm", module: "helm.sh/helm/v3/cmd/helm", version: "v3.22.0", oldest: [3, 14] };

    /// Where it is: on PATH, else where [`Self::installed`] says.
    pub fn find(&self) -> Result<PathBuf, ToolError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).map(|folder| folder.join(self.program)).find(|path| is_executable(path));
        match on_path {
            Some(path) => Ok(path),
            None => {
                let installed = self.installed()?;
                if is_executable(&installed) { Ok(installed) } else { Err(ToolError::NotFound { tool: *self }) }
            }
        }
    }

    /// Where the harness installs it: `tools/PROGRAM-VERSION/PROGRAM` in its cache.
    pub fn installed(&self) -> Result<PathBuf, ToolError> {
        let folder = cache_folder().map_err(ToolError::Cache)?;
        Ok(folder.join("tools").join(format!("{}-{}", self.program, self.version)).join(self.program))
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
    Cache(SetupError),
    /// It is in none of the places.
    #[error("find {tool}: it is neither on PATH nor in the harness's cache")]
    NotFound {
        /// Which.
        tool: Tool,
    },
    /// It is of a version that lacks what is needed.
    #[error("use {}: it is version {found}, and at least {}.{} is needed", path.display(), tool.oldest[0], tool.oldest[1])]
    TooOld {
        /// Which.
        tool: Tool,
        /// Where.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It cannot be run.
    #[error("run {}: {reason}", path.display())]
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
            Self::Cache(_) => "name a folder with HARNESS_CACHE".to_owned(),
            Self::NotFound { tool } => format!(
                "`harness setup kubernetes` installs it with Go; or put {tool} {} or later on PATH",
                tool.version
            ),
            Self::TooOld { tool, path, .. } => format!(
                "renew it, or take {} off PATH: `harness setup kubernetes` then installs {tool} {}",
                path.display(),
                tool.version
            ),
            Self::Broken { tool, path, .. } => format!(
                "take {} off PATH or repair it: `harness setup kubernetes` installs {tool} {}",
                path.display(),
                tool.version
            ),
        }
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
