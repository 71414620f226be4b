//! The folder for evidence, and its size limit.

use std::{
    error::Error,
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hourglass_component::causes::with_causes;
use tokio::time::{Instant, timeout_at};

use super::{Limits, tail::Tail};
use crate::ClusterError;

/// How many gaps are listed; an API server that stops answering halfway leaves one for every object.
const GAPS: usize = 50;

/// A folder of bounded size. A file that does not fit becomes a gap, never an error.
#[derive(Debug)]
pub(super) struct Evidence {
    root: PathBuf,
    file: usize,
    began: Instant,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    left: usize,
    /// Bytes that objects may still take: they are many and small, and must leave room for logs.
    left_for_objects: usize,
    files: usize,
    bytes: usize,
    gaps: Vec<String>,
    /// How many gaps are not listed.
    more: usize,
    /// How many files did not fit.
    surplus: usize,
}

/// What a folder holds at the end.
#[derive(Debug)]
pub(super) struct Holdings {
    pub(super) files: usize,
    pub(super) bytes: usize,
    pub(super) gaps: Vec<String>,
    pub(super) took: Duration,
    /// Bytes that are reserved for the summary.
    pub(super) left: usize,
}

impl Evidence {
    pub(super) fn create(root: &Path, limits: &Limits) -> Result<Self, ClusterError> {
        fs::create_dir_all(root).map_err(ClusterError::file("make", root))?;
        let left = limits.total - summary_share(limits);
        let content = Content { left, left_for_objects: limits.total / 4, ..Content::default() };
        Ok(Self { root: root.to_owned(), file: limits.file, began: Instant::now(), content: Mutex::new(content) })
    }

    /// The size of one file in bytes.
    pub(super) fn file_limit(&self) -> usize {
        self.file
    }

    /// Writes a text to a path below the folder; an empty text gets no file.
    pub(super) fn keep(&self, path: impl AsRef<Path>, text: Tail) {
        if text.is_empty() {
            return;
        }
        let bytes = {
            let mut content = self.content();
            let room = content.left.min(self.file);
            if room == 0 {
                content.surplus += 1;
                return;
            }
            let bytes = text.finish(room);
            content.took(bytes.len());
            bytes
        };
        self.write(path.as_ref(), &bytes);
    }

    /// Writes an object, whole or not at all.
    pub(super) fn keep_object(&self, path: impl AsRef<Path>, text: &str) {
        {
            let mut content = self.content();
            if text.len() > content.left_for_objects.min(content.left).min(self.file) {
                content.surplus += 1;
                return;
            }
            content.left_for_objects -= text.len();
            content.took(text.len());
        }
        self.write(path.as_ref(), text.as_bytes());
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        if let Err(error) = write(&self.root.join(path), bytes) {
            self.gap(format_args!("{}: {error}", path.display()));
        }
    }

    /// Writes a whole text.
    pub(super) fn keep_text(&self, path: impl AsRef<Path>, text: &str) {
        self.keep(path, Tail::of(text.as_bytes(), self.file));
    }

    /// Records what is missing, and why.
    pub(super) fn gap(&self, gap: impl Display) {
        let mut content = self.content();
        if content.gaps.len() < GAPS {
            content.gaps.push(gap.to_string());
        } else {
            content.more += 1;
        }
    }

    /// Runs a part of the work; if it fails, or has not ended by the deadline, it is recorded as a gap.
    pub(super) async fn part<T, E: Error + 'static>(
        &self,
        name: impl Into<String>,
        deadline: Instant,
        work: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        match timeout_at(deadline, work).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                self.gap(format_args!("{}: {}", name.into(), explained(&error)));
                None
            }
            Err(_) => {
                let waited = humantime::format_duration(Duration::from_millis(millis(self.began.elapsed())));
                self.gap(format_args!("{}: it had not come after {waited}", name.into()));
                None
            }
        }
    }

    /// Ends the collection and returns its totals.
    pub(super) fn finish(&self, limits: &Limits) -> Holdings {
        let content = std::mem::take(&mut *self.content());
        let mut gaps = content.gaps;
        if content.more > 0 {
            gaps.push(format!("and {} more", content.more));
        }
        if content.surplus > 0 {
            let limit = bytesize::ByteSize::b(u64::try_from(limits.total).unwrap_or(u64::MAX));
            gaps.push(format!("{} files: all may take {limit}, objects a quarter of it", content.surplus));
        }
        let left = (content.left + summary_share(limits)).min(self.file);
        Holdings { files: content.files, bytes: content.bytes, gaps, took: self.began.elapsed(), left }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn took(&mut self, bytes: usize) {
        self.left -= bytes;
        self.files += 1;
        self.bytes += bytes;
    }
}

/// The summary is written last, and space must be left for it.
fn summary_share(limits: &Limits) -> usize {
    limits.file.min(limits.total / 4)
}

/// The message of a refusal repeats the whole answer of the API server.
fn explained(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref() {
        Some(kube::Error::Api(status)) => format!("{} ({})", status.message, status.code),
        _ => with_causes(error),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}
