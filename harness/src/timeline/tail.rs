//! Output files of processes, followed line by line while they are written.
//!
//! Processes write into files and not into pipes of ours: those that are to be kept go on when the harness ends, and
//! nobody reads their pipe any more.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Why output cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The folder cannot be watched.
    #[error("watch {folder}; the limits fs.inotify.max_user_instances and max_user_watches may be reached", folder = folder.display())]
    Watch {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: notify::Error,
    },
    /// A file cannot be made or read.
    #[error("use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A folder of output files, watched for changes.
#[derive(Debug)]
pub struct LogFolder {
    path: PathBuf,
    changes: watch::Receiver<u64>,
    /// Of all folders that are watched together: the system counts watchers.
    watcher: Arc<Mutex<RecommendedWatcher>>,
}

/// The reading end of an output file.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    unread: Vec<u8>,
    changes: watch::Receiver<u64>,
    ended: CancellationToken,
}

impl LogFolder {
    /// Makes the folder and watches it.
    pub fn create(path: &Path) -> Result<Self, TailError> {
        std::fs::create_dir_all(path).map_err(|source| TailError::File { path: path.to_owned(), source })?;
        let (sender, changes) = watch::channel(0);
        let watch_failed = |source| TailError::Watch { folder: path.to_owned(), source };
        // An error of the watcher means that a change may have been missed: readers look, which is harmless.
        let mut watcher =
            notify::recommended_watcher(move |_| sender.send_modify(|count| *count += 1)).map_err(watch_failed)?;
        watcher.watch(path, RecursiveMode::NonRecursive).map_err(watch_failed)?;
        Ok(Self { path: path.to_owned(), changes, watcher: Arc::new(Mutex::new(watcher)) })
    }

    /// Makes another folder, which is watched with this one.
    pub fn beside(&self, path: &Path) -> Result<Self, TailError> {
        std::fs::create_dir_all(path).map_err(|source| TailError::File { path: path.to_owned(), source })?;
        let watch_failed = |source| TailError::Watch { folder: path.to_owned(), source };
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.watch(path, RecursiveMode::NonRecursive).map_err(watch_failed)?;
        drop(watcher);
        Ok(Self { path: path.to_owned(), changes: self.changes.clone(), watcher: Arc::clone(&self.watcher) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for a process to append to, and for us to follow from its present end; `ended` says that nothing
    /// more will be written.
    pub fn file(&self, name: &str, ended: CancellationToken) -> Result<(File, LineFile), TailError> {
        let path = self.path.join(name);
        let fail = |source| TailError::File { path: path.clone(), source };
        let write = OpenOptions::new().create(true).append(true).open(&path).map_err(fail)?;
        let mut file = File::open(&path).map_err(fail)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0)).map_err(fail)?;
        Ok((write, LineFile { file, unread: Vec::new(), changes: self.changes.clone(), ended }))
    }
}

impl LineFile {
    /// The next line without its end; nothing when the writer has ended and all is read. May be cancelled.
    pub async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.take_line() {
                return Some(line);
            }
            // Asked before reading: what is written after the read is a change again.
            self.changes.borrow_and_update();
            let ended = self.ended.is_cancelled();
            if self.read() > 0 {
                continue;
            }
            if ended {
                let rest = std::mem::take(&mut self.unread);
                return (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned());
            }
            tokio::select! {
                changed = self.changes.changed() => if changed.is_err() { return None },
                () = self.ended.cancelled() => {}
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<_> = self.unread.drain(..=end).collect();
        line.pop();
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// Bytes that were read. The file is local and was just written, so this does not wait for a disk.
    fn read(&mut self) -> usize {
        let mut chunk = [0; 16 * 1024];
        let count = self.file.read(&mut chunk).unwrap_or_default();
        self.unread.extend_from_slice(&chunk[..count]);
        count
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn lines_arrive_as_they_are_written_and_the_rest_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let folder = LogFolder::create(&folder.path().join("logs")).unwrap();
        let ended = CancellationToken::new();
        let (mut write, mut read) = folder.file("a.log", ended.clone()).unwrap();
        let limit = Duration::from_secs(10);
        write.write_all(b"one\ntw").unwrap();
        assert_eq!(timeout(limit, read.next_line()).await.unwrap().as_deref(), Some("one"));
        let reading = tokio::spawn(async move { (timeout(limit, read.next_line()).await.unwrap(), read) });
        write.write_all(b"o\nrest").unwrap();
        let (line, mut read) = reading.await.unwrap();
        assert_eq!(line.as_deref(), Some("two"));
        ended.cancel();
        assert_eq!(read.next_line().await.as_deref(), Some("rest"));
        assert_eq!(read.next_line().await, None);
    }
}
