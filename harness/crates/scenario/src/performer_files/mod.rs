//! Files that a performer is given: where it finds them, and where their content comes from.
//!
//! Contents may be secrets: nothing here shows them.

mod check;
mod target;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use check::check;

use super::bounded_file;

/// The greatest number of files of one performer.
const MOST: usize = 16;
/// The greatest size of all files of one performer, in bytes: a Secret of Kubernetes takes four times as much.
const LARGEST: usize = 256 << 10;
/// Replaces a content where a scenario is shown.
const HIDDEN: &str = "(left out)";

/// The content of a file that a performer is given: that of a file, or a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FileSource", into = "FileSource")]
pub struct PerformerFile {
    source: FileSource,
    /// Read when its scenario is loaded; copies have the same.
    content: Arc<OnceLock<FileContent>>,
}

/// The content of a file: that of another file, or a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
enum FileSource {
    /// A file, relative to the folder of this file.
    File(#[schemars(with = "String", length(min = 1))] PathBuf),
    /// The content itself.
    Text {
        /// The content.
        text: String,
    },
}

#[derive(PartialEq, Eq)]
struct FileContent {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl PerformerFile {
    /// The content; empty for a file until its scenario is loaded.
    pub fn bytes(&self) -> &[u8] {
        match &self.source {
            FileSource::Text { text } => text.as_bytes(),
            FileSource::File(_) => self.content.get().map_or(&[], |content| &content.bytes),
        }
    }

    /// The file that has the content, as it is written until its scenario is loaded; `None` for a text.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            FileSource::Text { .. } => None,
            FileSource::File(written) => Some(self.content.get().map_or(written, |content| &content.path)),
        }
    }

    /// Whether the content is known.
    fn is_read(&self) -> bool {
        matches!(self.source, FileSource::Text { .. }) || self.content.get().is_some()
    }

    /// Reads the file, whose path is relative to `folder`, unless it was read before; or returns why it cannot be read.
    fn read(&self, folder: &Path) -> Result<(), String> {
        let FileSource::File(written) = &self.source else { return Ok(()) };
        if self.is_read() {
            return Ok(());
        }
        let path = folder.join(written);
        let bytes = bounded_file::read(&path, LARGEST as u64)
            .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
        self.content.get_or_init(|| FileContent { path, bytes });
        Ok(())
    }
}

impl From<FileSource> for PerformerFile {
    fn from(source: FileSource) -> Self {
        Self { source, content: Arc::default() }
    }
}

/// As it is shown: a file by its path, a text without its content.
impl From<PerformerFile> for FileSource {
    fn from(file: PerformerFile) -> Self {
        match file.path() {
            Some(path) => Self::File(path.to_owned()),
            None => Self::Text { text: HIDDEN.to_owned() },
        }
    }
}

impl JsonSchema for PerformerFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PerformerFile".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        FileSource::json_schema(generator)
    }
}

impl fmt::Debug for PerformerFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) => write!(formatter, "PerformerFile({})", path.display()),
            None => write!(formatter, "PerformerFile({HIDDEN})"),
        }
    }
}
