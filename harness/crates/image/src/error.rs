//! Errors of images.

use std::{io, path::PathBuf, time::Duration};

use hourglass_base::cache::{CacheError, remedy_of_cache};
use hourglass_engine::{EngineError, NodeError};

use super::BuildError;

/// Why an image could not be made or delivered, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A file could not be read or written.
    #[error("failed to use {path} for an image", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not a Linux executable, so no container can run it.
    #[error("failed to make an image of {path}: {reason}", path = path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// It was written to while it was read.
    #[error("failed to make an image of {path}: it changed while it was read", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Its libraries cannot be determined.
    #[error("failed to find the libraries of {path}", path = path.display())]
    Libraries {
        /// The executable.
        path: PathBuf,
        /// Why not.
        source: lddtree::Error,
    },
    /// A library that it needs is not on this machine.
    #[error("failed to find library {library} of {path}", path = path.display())]
    LibraryMissing {
        /// The executable.
        path: PathBuf,
        /// The library's name.
        library: String,
    },
    /// A path does not fit into the format of archives.
    #[error("failed to put {path} into an image", path = path.display())]
    Entry {
        /// The path within the image.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The engine accepted the archive and has no such image afterwards.
    #[error("failed to deliver image {reference}: the Docker engine took it and does not have it")]
    NotTaken {
        /// The image.
        reference: String,
    },
    /// A user's image does not exist.
    #[error("failed to find image {reference}, which {component} needs{}", nearest.as_deref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    NotFound {
        /// The image.
        reference: String,
        /// The component that needs it.
        component: String,
        /// The image with nearly this name that the engine has.
        nearest: Option<String>,
    },
    /// It is for another architecture.
    #[error("failed to use image {reference} for {component}: it is for {image}, and the Docker engine runs {engine}")]
    OtherArchitecture {
        /// The image.
        reference: String,
        /// The component that needs it.
        component: String,
        /// Its architecture.
        image: String,
        /// The engine's.
        engine: String,
    },
    /// A build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A user's image could not be pulled.
    #[error("failed to pull image {reference}, which {component} needs: {reason}")]
    NotPulled {
        /// The image.
        reference: String,
        /// The component that needs it.
        component: String,
        /// What the engine says.
        reason: String,
    },
    /// The credentials for a registry cannot be read.
    #[error("failed to read the credentials for {registry} in Docker's configuration: {reason}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why not.
        reason: String,
    },
    /// A node.
    #[error(transparent)]
    Node(NodeError),
    /// The engine would export it without its name, and pods could not name it.
    #[error("failed to bring image {reference} to nodes: the Docker engine has no image with this name and tag")]
    NoName {
        /// The name that was given.
        reference: String,
    },
    /// A node's containerd does not report its images.
    #[error("failed to ask node {node} which images it has: {said}")]
    NodeSilent {
        /// The node.
        node: String,
        /// The answer instead.
        said: String,
    },
    /// A node's disk is full.
    #[error("failed to bring image {reference} to node {node}: its disk is full: {said}")]
    NodeFull {
        /// The node.
        node: String,
        /// The image.
        reference: String,
        /// containerd's message.
        said: String,
    },
    /// A node's containerd received a truncated archive.
    #[error("failed to bring image {reference} to node {node}: its archive ended too early: {said}")]
    Truncated {
        /// The node.
        node: String,
        /// The image.
        reference: String,
        /// containerd's message.
        said: String,
    },
    /// A node's containerd refuses it.
    #[error("failed to bring image {reference} to node {node}: its containerd does not take it: {said}")]
    NodeRefused {
        /// The node.
        node: String,
        /// The image.
        reference: String,
        /// containerd's message.
        said: String,
    },
    /// A node does not finish.
    #[error("failed to bring image {reference} to node {node} within {}", humantime::format_duration(*within))]
    NodeLate {
        /// The node.
        node: String,
        /// The image.
        reference: String,
        /// How long it was awaited.
        within: Duration,
    },
    /// A node's containerd accepted the archive and has no such image afterwards.
    #[error("image {reference} is not in node {node}: its containerd took the archive and does not have the image")]
    NotHeld {
        /// The node.
        node: String,
        /// The image.
        reference: String,
    },
}

impl ImageError {
    /// What to do about it, if that is known.
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
            Self::NoName { reference } => {
                format!("give it one with `docker tag {reference} NAME:TAG`, and use that")
            }
            Self::NodeFull { .. } => "make room on the disk that holds the Docker engine's data (`docker system df` says \
                                      what fills it), or use a new cluster"
                .to_owned(),
            Self::NodeSilent { node, .. } | Self::NodeRefused { node, .. } | Self::NodeLate { node, .. } => {
                format!("read what its containerd says: `docker exec {node} journalctl --unit containerd`")
            }
            Self::Truncated { .. } => "read the Docker engine's own log, and try again".to_owned(),
            Self::NotHeld { reference, .. } => {
                format!("see that nobody builds or tags {reference} meanwhile, and try again")
            }
            Self::Build(error) => return error.remedy().map(str::to_owned),
            Self::NotPulled { reference, .. } => format!(
                "try `docker pull {reference}`, after `docker login` where the registry needs it; or say `pull: never` and \
                 provide it with `docker load --input FILE`"
            ),
            Self::Credentials { registry, .. } => format!("run `docker login {registry}` again, or `docker logout {registry}`"),
            Self::File { path, .. } => return remedy_of_cache(path).map(str::to_owned),
            Self::Cache(error) => return Some(error.remedy().to_owned()),
            Self::Node(_) | Self::Libraries { .. } | Self::Entry { .. } => return None,
        };
        Some(remedy)
    }

    /// The error for a failed import by a node's containerd.
    pub(super) fn of_import(node: &str, reference: &str, said: String) -> Self {
        let (node, reference) = (node.to_owned(), reference.to_owned());
        // containerd's command has no error codes; the texts are the kernel's, Go's and its own.
        if said.contains("no space left on device") {
            Self::NodeFull { node, reference, said }
        } else if said.contains("unexpected EOF") || said.contains("unrecognized image format") {
            Self::Truncated { node, reference, said }
        } else {
            Self::NodeRefused { node, reference, said }
        }
    }

    /// For `map_err` on operations with files.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<NodeError> for ImageError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Engine(error) => Self::Engine(error),
            error => Self::Node(error),
        }
    }
}
