//! Files and folders for this user alone, whatever the umask: the files of a trial may contain keys and the output of
//! its components.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
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

/// Writes a whole file. One that cannot be written whole, as on a full disk, does not stay.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let written = create(path)?.write_all(contents.as_ref());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Opens a file to append to, and creates it if it does not exist.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(FILE).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// An empty file would pass for evidence that there was nothing.
    #[test]
    fn what_cannot_be_written_whole_does_not_stay() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("full");
        symlink("/dev/full", &path).unwrap();
        assert_eq!(write(&path, "x").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

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
