//! Why a machine did not get the requirements of clusters.

use std::path::PathBuf;

use bytesize::ByteSize;
use hourglass_base::cache::CacheError;
use hourglass_cluster::{ClusterError, ToolError};
use hourglass_engine::EngineError;

use super::ArchiveError;
use crate::{Unknown, setup::DockerSetupError};

/// Why clusters cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum KubernetesSetupError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state of the engine is unknown.
    #[error("failed to look at the engine: {0}")]
    Unknown(Unknown),
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// kind or Helm, after it was installed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The image is not a node image.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A program or a file of the machine.
    #[error(transparent)]
    Machine(#[from] DockerSetupError),
    /// Go is not installed.
    #[error("failed to {what}: there is no Go on PATH, nor in /usr/local/go/bin")]
    NoGo {
        /// The purpose, as `install kind`.
        what: String,
    },
    /// Go could not install it.
    #[error("failed to install {package} with Go; it says:\n{output}")]
    Install {
        /// The module and its version.
        package: String,
        /// The end of its output.
        output: String,
    },
    /// Only root can build the image.
    #[error("failed to build {image}: it has files of several owners, which only root can make")]
    NotRoot {
        /// The image.
        image: String,
        /// The command that builds it.
        command: String,
    },
    /// The sources do not exist.
    #[error("failed to build {image}: there is no {}", script.display())]
    NoSource {
        /// The image.
        image: String,
        /// The file that was looked for.
        script: PathBuf,
    },
    /// Packages have other names and other tools there.
    #[error("failed to build {image}: there is no {}, and only Debian's packages of it are known, not those of {distribution}", programs.join(" and no "))]
    NoPrograms {
        /// The image.
        image: String,
        /// The programs that the build needs.
        programs: Vec<&'static str>,
        /// The distribution's name for itself.
        distribution: String,
    },
    /// The disk is too full.
    #[error("failed to build {image}: {} are free below {}, and {} are needed", ByteSize(*free), folder.display(), ByteSize(*needed))]
    NoSpace {
        /// The image.
        image: String,
        /// Where.
        folder: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// The build failed.
    #[error("failed to build {image}: {} ended with {status}; the end of what it said:\n{output}", script.display())]
    Build {
        /// The image.
        image: String,
        /// The script.
        script: PathBuf,
        /// How it ended.
        status: String,
        /// The end of its output.
        output: String,
    },
}

impl KubernetesSetupError {
    /// What to do about it, if that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Engine(error) => return error.remedy().map(str::to_owned),
            Self::Tool(error) => error.remedy(),
            Self::Cluster(error) => return error.remedy(),
            Self::Archive(error) => error.remedy().to_owned(),
            Self::Cache(error) => error.remedy().to_owned(),
            Self::NoGo { .. } => "install Go 1.21 or later (https://go.dev/dl), which gets the version that it needs; \
                 or put kind and Helm on PATH and name an archive of the node image with --node-image-archive"
                .to_owned(),
            Self::Install { .. } => {
                "see that Go reaches a module proxy (`go env GOPROXY`) and has disk; or put the program on PATH"
                    .to_owned()
            }
            Self::NotRoot { command, .. } => {
                format!("run `sudo {command}`, or name an archive of the image with --node-image-archive")
            }
            Self::NoSource { .. } => {
                "omit --node-image-source to use the embedded sources, or name a folder with a `build`; or \
                 name an archive of the image with --node-image-archive"
                    .to_owned()
            }
            Self::NoPrograms { programs, .. } => format!(
                "install {} as this system does, or name an archive of the image with --node-image-archive",
                programs.join(" and ")
            ),
            Self::NoSpace { .. } => "free space there, or name another folder with HARNESS_CACHE".to_owned(),
            Self::Build { .. } => "run it again once that is mended: the stages that were finished are kept".to_owned(),
            Self::Unknown(_) | Self::Machine(_) => return None,
        };
        Some(remedy)
    }
}
