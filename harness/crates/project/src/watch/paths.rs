//! One form for the paths of files, and which files are never sources.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf, absolute},
};

/// Folders that builds and tools fill.
const FILLED_BY_TOOLS: [&str; 3] = ["target", "node_modules", "__pycache__"];
/// Ends of names of the files in which editors keep what is not saved yet.
const OF_EDITORS: [&str; 4] = ["~", ".swp", ".tmp", "___jb_old___"];

/// The path in the form in which paths are compared: absolute, and without links but for the file's own name, so that a
/// link that is replaced is noticed.
pub fn resolved(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => {
            fs::canonicalize(parent).map_or_else(|_| path.clone(), |parent| parent.join(name))
        }
        // It ends with `..`, or is the root.
        _ => fs::canonicalize(&path).unwrap_or(path),
    }
}

/// Whether no file of this name is a source. Hidden files are left out elsewhere.
pub(super) fn is_by_product(name: &OsStr, is_folder: bool) -> bool {
    let name = name.to_string_lossy();
    if is_folder {
        return FILLED_BY_TOOLS.contains(&&*name);
    }
    // Vim tries with the number whether it can create files; Emacs saves between hashes.
    OF_EDITORS.iter().any(|end| name.ends_with(end)) || name == "4913" || (name.starts_with('#') && name.ends_with('#'))
}
