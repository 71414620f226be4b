//! Why an archive cannot be written.

use std::{io, path::PathBuf};

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder of the trial cannot be read.
    #[error("failed to read the folder of the trial, {path}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("failed to write archive {path}", path = path.display())]
    Write {
        /// The archive.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
