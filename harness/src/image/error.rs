//! What can be wrong with an image.

use std::{io, path::PathBuf};

use crate::{chain::SetupError, engine::EngineError};

/// Why an image could not be made or delivered, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(#[from] SetupError),
    /// A file could not be read or written.
    #[error("use {path} for an image", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no Linux executable, so that no container can run it.
    #[error("make an image of {path}: {reason}", path = path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// Somebody wrote to it while it was read.
    #[error("make an image of {path}: it changed while it was read", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// What it needs cannot be read.
    #[error("find the libraries of {path}", path = path.display())]
    Libraries {
        /// The executable.
        path: PathBuf,
        /// Why not.
        source: lddtree::Error,
    },
    /// A library that it needs is not on this machine.
    #[error("find library {library} of {path}", path = path.display())]
    LibraryMissing {
        /// The executable.
        path: PathBuf,
        /// The library's name.
        library: String,
    },
    /// A path does not fit into the format of archives.
    #[error("put {path} into an image", path = path.display())]
    Entry {
        /// The path within the image.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The engine took the archive and has no such image afterwards.
    #[error("deliver image {reference}: the Docker engine took it and does not have it")]
    NotTaken {
        /// The image.
        reference: String,
    },
    /// A user's image is not there.
    #[error("find image {reference}, which {component} needs{}", nearest.as_deref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    NotFound {
        /// The image.
        reference: String,
        /// Who needs it.
        component: String,
        /// The image with nearly this name that the engine has.
        nearest: Option<String>,
    },
    /// It is for other machines.
    #[error("use image {reference} for {component}: it is for {image}, and the Docker engine runs {engine}")]
    OtherArchitecture {
        /// The image.
        reference: String,
        /// Who needs it.
        component: String,
        /// Its architecture.
        image: String,
        /// The engine's.
        engine: String,
    },
}

impl ImageError {
    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Engine(error) => return error.remedy().map(str::to_owned),
            Self::NotExecutable { .. } => {
                "name a Linux executable itself rather than a script that starts it (for Anvil: --anvil or HARNESS_ANVIL)"
                    .to_owned()
            }
            Self::Changed { .. } => "wait until nobody builds it, and try again".to_owned(),
            Self::LibraryMissing { library, .. } => format!(
                "install the package that has {library}, or link statically (`RUSTFLAGS='-C target-feature=+crt-static'`)"
            ),
            Self::NotTaken { .. } => "read the engine's own log, and see that its disk is not full".to_owned(),
            Self::NotFound { reference, .. } => format!(
                "provide it with `docker pull {reference}`, `docker load --input FILE` or `docker build -t {reference} .`"
            ),
            Self::OtherArchitecture { reference, engine, .. } => format!(
                "provide it for {engine}: `docker pull --platform linux/{engine} {reference}`, or `docker build -t \
                 {reference} .` on this machine"
            ),
            Self::Cache(_) | Self::File { .. } | Self::Libraries { .. } | Self::Entry { .. } => return None,
        };
        Some(remedy)
    }

    /// For `map_err` on operations with files.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
