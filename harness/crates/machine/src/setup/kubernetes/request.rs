//! What to set up, and where.

use std::{env, path::PathBuf};

use hourglass_base::{
    cache::{CacheError, cache_folder},
    path_folders,
};
use hourglass_cluster::NODE_IMAGE;

use crate::setup::System;

/// The environment variable that names an archive of the node image.
pub const NODE_IMAGE_ARCHIVE_VARIABLE: &str = "HARNESS_NODE_IMAGE_ARCHIVE";

/// The requirements of clusters, and where they are looked for and installed.
#[derive(Debug, Clone)]
pub struct KubernetesSetup {
    /// The machine.
    pub system: System,
    /// The folders in which kind and Helm are looked for.
    pub path: Vec<PathBuf>,
    /// The harness's cache, for installed programs and the stages of a build.
    pub cache: PathBuf,
    /// The name of the node image.
    pub image: String,
    /// An archive of it (`docker save`); with one, it is neither pulled nor built.
    pub archive: Option<PathBuf>,
    /// The folder whose `build` creates it; without one, the sources embedded in the executable.
    pub source: Option<PathBuf>,
}

/// The folder of the embedded sources among the stages of a build.
pub(super) const SOURCES: &str = "sources";

impl KubernetesSetup {
    /// For this machine and the harness's own node image; the sources are the embedded ones unless others are named.
    pub fn this(archive: Option<PathBuf>, source: Option<PathBuf>) -> Result<Self, CacheError> {
        let executable = env::current_exe().unwrap_or_else(|_| "harness".into());
        Ok(Self {
            system: System { command: format!("{} setup kubernetes", executable.display()), ..System::this() },
            path: path_folders(),
            cache: cache_folder()?,
            image: NODE_IMAGE.to_owned(),
            archive,
            source,
        })
    }

    /// Where stages of a build are kept.
    pub(super) fn stages(&self) -> PathBuf {
        self.cache.join("node-image")
    }

    /// The program that builds the image.
    pub(super) fn script(&self) -> PathBuf {
        self.source.clone().unwrap_or_else(|| self.stages().join(SOURCES)).join("build")
    }
}
