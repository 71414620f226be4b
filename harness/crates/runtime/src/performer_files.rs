//! The files that performers are given, on every runtime. Their contents may be secrets: they are in no configuration, and
//! what is written to this machine goes with its trial.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use hourglass_base::private;
use hourglass_scenario::PerformerFile;

use super::{PerformerSpec, RuntimeError};

/// The folder for them in the trial's folder. Archives of such folders leave it out.
pub const PERFORMER_FILES: &str = "performer-files";
/// Where containers have them.
pub(super) const ROOT: &str = "/";

/// The files of a performer by their paths, always in the same order.
pub(super) fn of(spec: &PerformerSpec) -> impl Iterator<Item = (&str, &PerformerFile)> {
    spec.performer.files.iter().map(|(path, file)| (path.as_str(), file))
}

/// Writes the files of a performer that is a process, for this user alone, and returns the folder that stands for the root
/// of its file system.
pub(super) fn write(spec: &PerformerSpec, folder: &Path) -> Result<PathBuf, RuntimeError> {
    let root = folder.join(PERFORMER_FILES).join(spec.name.file_name());
    // Performers start in another folder.
    let root = std::path::absolute(&root).map_err(|source| RuntimeError::File { path: root, source })?;
    for (path, file) in of(spec) {
        let path = root.join(path.trim_start_matches('/'));
        let written = path.parent().map_or(Ok(()), private::create_folders);
        let written = written.and_then(|()| private::write(&path, file.bytes()));
        written.map_err(|source| RuntimeError::File { path, source })?;
    }
    Ok(root)
}

/// Removes the files of all performers: folders of failed trials are kept, and shared.
pub(super) fn remove(folder: &Path) -> Result<(), RuntimeError> {
    let path = folder.join(PERFORMER_FILES);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| RuntimeError::File { path, source }),
    }
}
