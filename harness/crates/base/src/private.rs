//! Files and folders for this user alone, whatever the umask: the files of a trial may contain keys and the output of
//! its components.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The mode of folders.
pub const FOLDER: u32 = 0o700;
/// The mode of files.
const FILE: u32 = 0o600;

/// Creates a folder and its missing parents.
pub fn create_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Creates a file, or truncates an existing one.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(FILE).open(path)
}

/// Writes a whole file.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    create(path)?.write_all(contents.as_ref())
}

/// Opens a file to append to, and creates it if it does not exist.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(FILE).open(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn files_and_folders_are_accessible_only_to_their_owner() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        create_folders(&folder).unwrap();
        write(&folder.join("written"), "x").unwrap();
        append(&folder.join("appended")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&root.path().join("a")), mode(&folder)], [FOLDER; 2]);
        assert_eq!([mode(&folder.join("written")), mode(&folder.join("appended"))], [FILE; 2]);
    }
}
