//! The summary: what is broken, and then what was collected.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use hourglass_component::text::safe;
use jiff::Timestamp;

use super::{evidence::Holdings, tail::Tail};
use crate::ClusterError;

/// The file of the summary in the folder of evidence.
pub const SUMMARY_FILE: &str = "summary.txt";

/// The evidence of a cluster in a few lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The cluster.
    pub cluster: String,
    /// When it was asked.
    pub taken: Timestamp,
    /// What is not as it should be: nodes, then pods, then claims. A line that begins with white space belongs to the
    /// line before it.
    pub broken: Vec<String>,
    /// The latest warnings among the events, the newest first.
    pub warnings: Vec<String>,
    /// What could not be collected, and why.
    pub gaps: Vec<String>,
    /// How many files there are besides the summary.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: usize,
    /// How long it took.
    pub took: Duration,
    /// The folder that holds them.
    pub folder: PathBuf,
}

impl Summary {
    /// Writes it into the folder.
    pub(super) fn write(&self, holdings: &Holdings) -> Result<(), ClusterError> {
        let text = self.to_string();
        let text = safe(&text);
        // What is broken comes first, so the beginning is kept.
        let room = text.floor_char_boundary(holdings.left);
        let path: &Path = &self.folder.join(SUMMARY_FILE);
        fs::write(path, Tail::of(&text.as_bytes()[..room], room).finish(room))
            .map_err(ClusterError::file("write", path))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "cluster {} at {:.0}", self.cluster, self.taken)?;
        let broken: &[String] =
            if self.broken.is_empty() { &["nothing that it says".to_owned()] } else { &self.broken };
        section(formatter, "broken", broken)?;
        section(formatter, "latest warnings", &self.warnings)?;
        section(formatter, "not collected", &self.gaps)?;
        let size = ByteSize::b(u64::try_from(self.bytes).unwrap_or(u64::MAX));
        let took = self.took.as_secs_f64();
        writeln!(formatter, "\n{} files, {size}, in {took:.1} s: {}", self.files, self.folder.display())
    }
}

fn section(formatter: &mut fmt::Formatter<'_>, heading: &str, entries: &[String]) -> fmt::Result {
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "\n{heading}")?;
    entries.iter().flat_map(|entry| entry.lines()).try_for_each(|line| writeln!(formatter, "  {line}"))
}
