//! What is to be set up, and where.

use std::{
    env,
    path::{Path, PathBuf},
};

use hourglass_base::cache::{CacheError, cache_folder};
use hourglass_cluster::NODE_IMAGE;

use crate::setup::System;

/// The environment variable that names an archive of the node image.
pub const NODE_IMAGE_ARCHIVE_VARIABLE: &str = "HARNESS_NODE_IMAGE_ARCHIVE";

/// What clusters are to get, and where it is looked for and put.
#[derive(Debug, Clone)]
pub struct KubernetesSetup {
    /// The machine.
    pub system: System,
    /// The folders in which kind and Helm are looked for.
    pub path: Vec<PathBuf>,
    /// The harness's cache, which gets what is installed and the stages of a build.
    pub cache: PathBuf,
    /// The name of the node image.
    pub image: String,
    /// An archive of it (`docker save`); with one, it is neither pulled nor built.
    pub archive: Option<PathBuf>,
    /// The folder whose `build` makes it.
    pub source: PathBuf,
}

impl KubernetesSetup {
    /// For this machine and the harness's own node image; the sources are those that the harness was built from unless
    /// others are named.
    pub fn this(archive: Option<PathBuf>, source: Option<PathBuf>) -> Result<Self, CacheError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fixtures/node-image");
        let executable = env::current_exe().unwrap_or_else(|_| "harness".into());
        Ok(Self {
            system: System { command: format!("{} setup kubernetes", executable.display()), ..System::this() },
            path: env::split_paths(&path).collect(),
            cache: cache_folder()?,
            image: NODE_IMAGE.to_owned(),
            archive,
            source: source.unwrap_or_else(own),
        })
    }
}
