//! Report files: whole or not there.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Why a report file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be written there.
    #[error("write the report {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The report has no form in this format.
    #[error("render the report {path}", path = path.display())]
    Render {
        /// The file.
        path: PathBuf,
        /// What the format does not take.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Replaces the file in one step, so that no reader sees half of it; makes the folders above it.
///
/// What is no ordinary file, a pipe or a device such as `/dev/stdout`, is written to and stays what it is.
pub(super) fn write(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    replace(path, contents).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => return fs::write(path, contents),
        _ => {}
    }
    // A link is followed, not replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Readable by others like any file that a program makes, as far as the umask allows.
    let permissions = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".report-").permissions(permissions).tempfile_in(folder)?;
    file.write_all(contents)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn folders_are_made_and_an_older_report_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b/report.xml");
        write(&path, b"old and longer").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "a temporary file was left beside the report");
    }

    #[test]
    fn the_target_of_a_link_is_replaced_and_not_the_link() {
        let base = tempfile::tempdir().unwrap();
        let (target, link) = (base.path().join("target"), base.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(link.is_symlink(), "the link was replaced by a file");
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        for path in [base.path().join("file/report.xml"), base.path().to_owned()] {
            let error = write(&path, b"").unwrap_err();
            assert_eq!(error.to_string(), format!("write the report {}", path.display()));
            assert!(error.source().is_some(), "the cause is lost");
        }
    }
}
