//! Small files beside a scenario, read whole: whatever a path leads to, reading it ends.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// The content of the file at `path`, if it is an ordinary one of at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file");
    // Before it is opened: opening a device may have an effect.
    if !fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    // A pipe that has taken its place since then must not block.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    let mut bytes = Vec::new();
    // The length of some files is not known before they are read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_at_most_so_many_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [0xff, 0, 7]).unwrap();
        assert_eq!(read(&path, 3).unwrap(), [0xff, 0, 7]);
        assert_eq!(read(&path, 2).unwrap_err().to_string(), "it has more than 2 bytes");
    }

    /// None of them has an end, or a content.
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for path in [folder.path(), &pipe, Path::new("/dev/zero")] {
            assert_eq!(read(path, 9).unwrap_err().to_string(), "it is no ordinary file", "{}", path.display());
        }
        assert_eq!(read(&folder.path().join("none"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
