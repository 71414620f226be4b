//! Writes the files of a project, and replaces none.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::NewFile;

/// Why the files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Some exist; nothing was written.
    #[error("failed to write a project into {folder}: {} there already", are(files), folder = folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
        /// The files, relative to the folder.
        files: Vec<PathBuf>,
    },
    /// The system refused.
    #[error("failed to write {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WriteError {
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Exists { .. } => "move or remove them, or name another folder; nothing was written".to_owned(),
            Self::File { .. } => "see whose the folder is, and whether the disk is full".to_owned(),
        }
    }
}

fn are(files: &[PathBuf]) -> String {
    let names = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    format!("{names} {}", if files.len() == 1 { "is" } else { "are" })
}

/// Writes the files and returns the paths of those written, and of those that were there and may be.
pub(super) fn write(folder: &Path, files: Vec<NewFile>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), WriteError> {
    let is_there = |file: &NewFile| fs::symlink_metadata(folder.join(&file.path)).is_ok();
    let (there, new): (Vec<_>, Vec<_>) = files.into_iter().partition(is_there);
    let (left, refused): (Vec<_>, Vec<_>) = there.into_iter().partition(|file| file.optional);
    let paths = |files: Vec<NewFile>| files.into_iter().map(|file| file.path).collect();
    if !refused.is_empty() {
        return Err(WriteError::Exists { folder: folder.to_owned(), files: paths(refused) });
    }
    for file in &new {
        let path = folder.join(&file.path);
        let failed = |source| WriteError::File { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // Somebody else may have made it meanwhile.
        let written = File::create_new(&path).and_then(|mut to| to.write_all(file.text.as_bytes()));
        written.map_err(failed)?;
    }
    Ok((paths(new), paths(left)))
}
