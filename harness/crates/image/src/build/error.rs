//! Errors of builds.

use std::{io, path::PathBuf};

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file of the context could not be read.
    #[error("failed to read {path} for the build of an image", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A pattern of files that are not sent is invalid.
    #[error("failed to read {path}: `{pattern}` is no pattern of files", path = path.display())]
    Pattern {
        /// The file.
        path: PathBuf,
        /// The pattern.
        pattern: String,
    },
    /// The context is so large that it is probably a mistake.
    #[error("failed to send {path} to the Docker engine for a build: it has more than {} GiB", *limit >> 30, path = path.display())]
    TooLarge {
        /// The context.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The build failed.
    #[error("failed to build the image of {component} from {path}: {reason}; its last output:\n{log}", path = path.display())]
    Failed {
        /// The component that needs it.
        component: String,
        /// The Dockerfile.
        path: PathBuf,
        /// What the engine says.
        reason: String,
        /// The last lines of its output.
        log: String,
    },
}

impl BuildError {
    /// What to do about it, if that is known.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::File { .. } => None,
            Self::Pattern { .. } => Some("correct it, as the documentation of `.dockerignore` describes"),
            Self::TooLarge { .. } => Some("name what the build does not need in `.dockerignore`"),
            Self::Failed { reason, .. } if reason.contains("BuildKit") => Some(
                "the harness uses the engine's classic builder: build the image with `docker build -t NAME .`, and give it \
                 as `image: NAME`",
            ),
            Self::Failed { .. } => Some("`docker build` in the context shows the whole output"),
        }
    }
}
