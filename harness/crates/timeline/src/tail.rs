//! Output files of processes, followed line by line while they are written.
//!
//! Processes write to files and not to pipes: kept processes go on when the harness ends, and nobody would read their
//! pipes any more. The beginning and the end of a file that grows without limit stay on the disk ([`LOG_BEGINNING`],
//! [`LOG_END`]).

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::{sync::watch, task::coop::consume_budget};
use tokio_util::sync::CancellationToken;

use super::{Line, Lines};

/// How many bytes at the beginning of an output file are kept.
pub const LOG_BEGINNING: u64 = 32 << 20;
/// How many bytes at its end are kept at least.
pub const LOG_END: u64 = 32 << 20;
/// How far a reader may be behind, in bytes. If a program writes faster than it can be read by this much, output is
/// skipped, so that it does not fill the disk.
const BEHIND_LIMIT: u64 = 1 << 30;
/// The part in between is released to the file system in pieces of this size, in bytes.
const PIECE: u64 = 1 << 20;
/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;

/// Why output cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The folder cannot be watched.
    #[error("failed to watch {folder}; the limits fs.inotify.max_user_instances and max_user_watches may be reached", folder = folder.display())]
    Watch {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: notify::Error,
    },
    /// A file cannot be created or read.
    #[error("failed to use {path}", path = path.display())]
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
    /// Shared by all folders that are watched together: the system limits the number of watchers.
    watcher: Arc<Mutex<RecommendedWatcher>>,
}

/// The reading end of an output file.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    chunk: Vec<u8>,
    /// How many bytes of the chunk were read. It keeps its length: filling it for each read would cost more than reading.
    filled: usize,
    /// The position in the chunk from which it was not searched yet.
    looked_at: usize,
    lines: Lines,
    /// The position up to which the file was read.
    position: u64,
    /// The position up to which the file, after its beginning, was released.
    freed: u64,
    behind_limit: u64,
    /// The last observed length of the file, and when it was observed.
    seen: (u64, Timestamp),
    changes: watch::Receiver<u64>,
    ended: CancellationToken,
}

impl LogFolder {
    /// Creates the folder and watches it.
    pub fn create(path: &Path) -> Result<Self, TailError> {
        hourglass_base::private::create_folders(path)
            .map_err(|source| TailError::File { path: path.to_owned(), source })?;
        let (sender, changes) = watch::channel(0);
        let watch_failed = |source| TailError::Watch { folder: path.to_owned(), source };
        // After an error of the watcher a change may have been missed: readers check their files, which is harmless.
        let mut watcher =
            notify::recommended_watcher(move |_| sender.send_modify(|count| *count += 1)).map_err(watch_failed)?;
        watcher.watch(path, RecursiveMode::NonRecursive).map_err(watch_failed)?;
        Ok(Self { path: path.to_owned(), changes, watcher: Arc::new(Mutex::new(watcher)) })
    }

    /// Creates another folder, which is watched together with this one.
    pub fn beside(&self, path: &Path) -> Result<Self, TailError> {
        hourglass_base::private::create_folders(path)
            .map_err(|source| TailError::File { path: path.to_owned(), source })?;
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

    /// Opens a file for a process to append to, and a reader from its current end; `ended` is cancelled when nothing
    /// more will be written.
    pub fn file(&self, name: &str, ended: CancellationToken) -> Result<(File, LineFile), TailError> {
        let path = self.path.join(name);
        let fail = |source| TailError::File { path: path.clone(), source };
        let write = hourglass_base::private::append(&path).map_err(fail)?;
        // Written to only to release a part of it.
        let mut file = File::options().read(true).write(true).open(&path).map_err(fail)?;
        let position = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let read = LineFile {
            file,
            chunk: vec![0; CHUNK],
            filled: 0,
            looked_at: 0,
            lines: Lines::default(),
            position,
            freed: LOG_BEGINNING,
            behind_limit: BEHIND_LIMIT,
            seen: (position, Timestamp::now()),
            changes: self.changes.clone(),
            ended,
        };
        Ok((write, read))
    }
}

impl LineFile {
    /// The next line; `None` when the writer has ended and everything was read. This is cancel safe.
    ///
    /// A writer that never stops must not starve other tasks.
    pub async fn next_line(&mut self) -> Option<Line> {
        loop {
            consume_budget().await;
            if let Some(line) = self.take_line() {
                return Some(line);
            }
            // Marked as seen before reading: a write after the read is another change.
            self.changes.borrow_and_update();
            let ended = self.ended.is_cancelled();
            if self.read() > 0 {
                continue;
            }
            if ended {
                let rest = self.lines.rest();
                if rest.is_none() {
                    self.close_gap();
                }
                return rest.map(|line| self.dated(line));
            }
            tokio::select! {
                changed = self.changes.changed() => if changed.is_err() { return None },
                () = self.ended.cancelled() => {}
            }
        }
    }

    fn take_line(&mut self) -> Option<Line> {
        let mut rest = &self.chunk[self.looked_at..self.filled];
        let line = self.lines.take(&mut rest);
        self.looked_at = self.filled - rest.len();
        line.map(|line| self.dated(line))
    }

    /// The line was in the file when the file was observed, however late it is read.
    fn dated(&self, line: Line) -> Line {
        let seen = self.seen.1;
        Line { began: Some(line.began.map_or(seen, |began| began.min(seen))), ..line }
    }

    /// The number of bytes that were read. The file is local and was just written, so this does not wait for a disk.
    fn read(&mut self) -> usize {
        let count = self.file.read(&mut self.chunk).unwrap_or_default();
        self.filled = count;
        self.looked_at = 0;
        let piece = self.position / PIECE;
        self.position += u64::try_from(count).unwrap_or_default();
        if self.position > self.seen.0 {
            self.seen = (self.length(), Timestamp::now());
        }
        if self.position / PIECE > piece {
            self.catch_up();
            self.free();
        }
        count
    }

    fn length(&self) -> u64 {
        self.file.metadata().map_or(self.position, |metadata| metadata.len())
    }

    /// Skips output that is too long to be read.
    fn catch_up(&mut self) {
        let length = self.length();
        if length.saturating_sub(self.position) > self.behind_limit {
            let position = length - self.behind_limit / 2;
            if self.file.seek(SeekFrom::Start(position)).is_ok() {
                self.lines.pass_over(position - self.position);
                self.position = position;
            }
        }
    }

    /// Releases the part that was read and is neither the file's beginning nor its end. The file keeps its size, so its
    /// writer notices nothing.
    fn free(&mut self) {
        let end = self.position.saturating_sub(LOG_END) / PIECE * PIECE;
        if end > self.freed {
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // On a file system without support for that, all of it is kept.
            if fallocate(&self.file, hole, self.freed, end - self.freed).is_ok() {
                self.freed = end;
            }
        }
    }

    /// Puts a remark in place of the released part. Nobody writes to the file any more.
    fn close_gap(&mut self) {
        let left_out = self.freed - LOG_BEGINNING;
        if left_out == 0 {
            return;
        }
        let remark = format!("\n[{left_out} bytes are left out here by the harness]\n");
        // On failure, the gap reads as zeros.
        let _ = self.move_end(remark.as_bytes());
        self.freed = LOG_BEGINNING;
    }

    fn move_end(&self, remark: &[u8]) -> io::Result<()> {
        self.file.write_all_at(remark, LOG_BEGINNING)?;
        let mut to = LOG_BEGINNING + u64::try_from(remark.len()).unwrap_or_default();
        let (mut from, mut chunk) = (self.freed, vec![0; CHUNK]);
        loop {
            let count = self.file.read_at(&mut chunk, from)?;
            if count == 0 {
                return self.file.set_len(to);
            }
            self.file.write_all_at(&chunk[..count], to)?;
            let count = u64::try_from(count).unwrap_or_default();
            (from, to) = (from + count, to + count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use tokio::time::timeout;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    #[tokio::test]
    async fn lines_arrive_as_they_are_written_and_the_rest_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let folder = LogFolder::create(&folder.path().join("logs")).unwrap();
        let ended = CancellationToken::new();
        let (mut write, mut read) = folder.file("a.log", ended.clone()).unwrap();
        let limit = Duration::from_secs(10);
        write.write_all(b"one\ntw").unwrap();
        let text = |line: Option<Line>| line.map(|line| line.text);
        assert_eq!(text(timeout(limit, read.next_line()).await.unwrap()).as_deref(), Some("one"));
        let reading = tokio::spawn(async move { (timeout(limit, read.next_line()).await.unwrap(), read) });
        write.write_all(b"o\nrest").unwrap();
        let (line, mut read) = reading.await.unwrap();
        assert_eq!(text(line).as_deref(), Some("two"));
        ended.cancel();
        assert_eq!(text(read.next_line().await).as_deref(), Some("rest"));
        assert_eq!(read.next_line().await, None);
    }

    /// Assembling a line from its pieces must cost linear and not quadratic time: otherwise 64 MB took two minutes, and
    /// the rest of the harness was starved.
    #[tokio::test]
    async fn a_long_line_takes_linear_time_and_does_not_starve_others() {
        let folder = tempfile::tempdir().unwrap();
        let folder = LogFolder::create(folder.path()).unwrap();
        let ended = CancellationToken::new();
        let (mut write, mut read) = folder.file("a.log", ended.clone()).unwrap();
        let megabytes = 80;
        for _ in 0..megabytes {
            write.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
        write.write_all(b"\nlast\n").unwrap();
        ended.cancel();
        let turns = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&turns);
        let other = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }));
        let limit = Duration::from_secs(30);
        let line = timeout(limit, read.next_line()).await.expect("read in linear time").unwrap();
        let length = u64::try_from(line.text.len()).unwrap() + line.dropped;
        assert_eq!((line.text.len(), length), (crate::LINE_LIMIT, megabytes << 20));
        assert!(turns.load(std::sync::atomic::Ordering::Relaxed) > 5, "the reader never yielded");
        drop(other);
        assert_eq!(read.next_line().await.unwrap().text, "last");
        assert_eq!(read.next_line().await, None);
        // The part between beginning and end is released, with a remark in its place.
        let left = std::fs::read(folder.path().join("a.log")).unwrap();
        let size = u64::try_from(left.len()).unwrap();
        assert!(
            (LOG_BEGINNING + LOG_END..LOG_BEGINNING + LOG_END + 2 * PIECE).contains(&size),
            "{size} bytes are left"
        );
        assert!(left.ends_with(b"xx\nlast\n"));
        let gap = usize::try_from(LOG_BEGINNING).unwrap();
        let remark = String::from_utf8_lossy(&left[gap..gap + 60]).into_owned();
        assert!(
            remark.starts_with("\n[1") && remark.contains(" bytes are left out here by the harness]\nxx"),
            "{remark}"
        );
        assert!(!left.contains(&0), "the gap reads as zeros");
    }
    /// Output from before a program was told to end must not look as if it came afterwards because its reader was
    /// behind.
    #[tokio::test]
    async fn lines_have_the_time_at_which_they_were_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogFolder::create(folder.path()).unwrap();
        let ended = CancellationToken::new();
        let (mut write, mut read) = logs.file("a.log", ended.clone()).unwrap();
        write.write_all(&b"y\n".repeat(2 * CHUNK)).unwrap();
        read.next_line().await.unwrap();
        let seen = Timestamp::now();
        ended.cancel();
        let mut lines = 1;
        while let Some(line) = read.next_line().await {
            assert!(line.began.unwrap() <= seen, "line {lines}");
            lines += 1;
        }
        assert_eq!(lines, 2 * CHUNK);
    }

    /// Output that is written faster than it can be read does not fill the disk, and the gap is reported.
    #[tokio::test]
    async fn a_reader_that_is_far_behind_skips_output_and_reports_it() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogFolder::create(folder.path()).unwrap();
        let ended = CancellationToken::new();
        let (mut write, mut read) = logs.file("a.log", ended.clone()).unwrap();
        read.behind_limit = 4 * PIECE;
        for _ in 0..10 {
            write.write_all(&"y\n".repeat(1 << 19).into_bytes()).unwrap();
        }
        ended.cancel();
        let (mut gaps, mut passed_over) = (0, 0);
        while let Some(line) = read.next_line().await {
            gaps += usize::from(line.gap);
            passed_over += line.dropped;
        }
        // After the first piece there are nine more, of which the last two are read.
        assert_eq!(gaps, 1);
        assert!((6 * PIECE..8 * PIECE).contains(&passed_over), "{passed_over} bytes");
    }
}
