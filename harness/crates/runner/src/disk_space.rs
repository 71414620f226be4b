//! Checks that the disk has space for what a trial writes.
//!
//! Components write their logs themselves. What a full disk keeps them from writing is lost silently, and with it the
//! errors and events that decide the verdict. So the harness tries to write repeatedly: only a failed write is a sure
//! sign, because figures of free space ignore quotas and the space that is reserved for root.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use super::EnvironmentError;

/// What must fit: some lines of each component, in the blocks of any file system.
static ROOM: [u8; 128 << 10] = [0; 128 << 10];
/// How often it is tried. No event tells that a disk is full.
const EVERY: Duration = Duration::from_millis(250);

/// An unnamed file in a trial's folder, which takes space only during a check.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    file: File,
}

impl Room {
    /// Checks once; fails if there is no space.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, EnvironmentError> {
        let file = tempfile::tempfile_in(folder).map_err(|source| full(folder, source))?;
        let room = Self { folder: folder.to_owned(), file };
        room.check()?;
        Ok(room)
    }

    /// Fails if there is no space now. The folder is on a local disk, so this does not block.
    pub(super) fn check(&self) -> Result<(), EnvironmentError> {
        let written = self.file.write_all_at(&ROOM, 0);
        // Released in any case: others need it more.
        let emptied = self.file.set_len(0);
        written.and(emptied).map_err(|source| full(&self.folder, source))
    }

    /// Returns only when there is no space any more.
    pub(super) async fn lost(&self) -> EnvironmentError {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            sleep(EVERY).await;
        }
    }
}

fn full(folder: &Path, source: io::Error) -> EnvironmentError {
    EnvironmentError::File { path: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn available_space_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::in_folder(folder.path()).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(600), room.lost()).await.is_err(), "there is room");
        assert_eq!(room.file.metadata().unwrap().len(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has a name");
    }

    /// `/dev/full` refuses every write as a full disk does.
    #[tokio::test]
    async fn a_full_disk_is_an_environment_failure() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let room = Room { folder: "/runs/r1".into(), file };
        let error = tokio::time::timeout(Duration::from_secs(5), room.lost()).await.unwrap();
        let text = hourglass_component::causes::with_causes(&error);
        assert!(text.contains("/runs/r1") && text.contains("No space left on device"), "{text}");
        assert!(super::super::failure::remedy(&error).unwrap().contains("free space"));
    }
}
