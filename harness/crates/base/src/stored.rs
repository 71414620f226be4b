//! Reading back the JSON documents that the harness writes.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// The key of a document's version.
const VERSION: &str = "version";
/// The largest file that is read, in bytes. No document of the harness comes near.
const LIMIT: u64 = 1 << 30;

/// A kind of document, by which a file of another kind is recognised.
#[derive(Debug, Clone, Copy)]
pub struct DocumentKind {
    /// What it is, for example `report of a run`.
    pub name: &'static str,
    /// The version that this harness writes and reads.
    pub version: u32,
    /// Keys that every document of this kind has, and no document of another kind has all of.
    pub keys: &'static [&'static str],
    /// What to name in place of a document of another kind.
    pub remedy: &'static str,
}

/// Why a document cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The file cannot be read.
    #[error("failed to read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file is longer than any document.
    #[error("failed to read {path}: it has more than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The file is not JSON.
    #[error("failed to read {path}: line {line} is not JSON", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// It is JSON of another kind.
    #[error("failed to read {path}: line {line}: it is not a {kind}", path = path.display(), kind = kind.name)]
    Kind {
        /// The file.
        path: PathBuf,
        /// The line at which the document begins, counted from 1.
        line: usize,
        /// What was expected.
        kind: DocumentKind,
    },
    /// Another version of the harness wrote it.
    #[error("failed to read {path}: line {line}: version {found} of a {kind} is unknown; this harness reads version {version}", path = path.display(), kind = kind.name, version = kind.version)]
    Version {
        /// The file.
        path: PathBuf,
        /// The line of the version, counted from 1.
        line: usize,
        /// The version as it stands there.
        found: String,
        /// What was expected.
        kind: DocumentKind,
    },
    /// It has the keys of its kind, and other contents than its schema says.
    #[error("failed to read {path}: line {line}: it does not follow the schema of a {kind}", path = path.display(), kind = kind.name)]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was expected.
        kind: DocumentKind,
        /// What is wrong there.
        source: serde_json::Error,
    },
}

impl StoredError {
    /// What to do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => None,
            Self::TooLarge { .. } | Self::Syntax { .. } => Some("name a file that the harness wrote"),
            Self::Kind { kind, .. } => Some(kind.remedy),
            Self::Version { .. } => Some("read it with the harness that wrote it, or run the scenario again"),
            Self::Invalid { .. } => Some("do not edit the file; run the scenario again if it is damaged"),
        }
    }
}

impl DocumentKind {
    /// Reads the text of a file that may hold a document.
    pub fn text_of(path: &Path) -> Result<String, StoredError> {
        let failed = |source| StoredError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        File::open(path).map_err(failed)?.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > LIMIT {
            return Err(StoredError::TooLarge { path: path.to_owned(), limit: LIMIT });
        }
        Ok(text)
    }

    /// Whether a text is JSON with the keys of this kind.
    pub fn is_of(&self, text: &str) -> bool {
        serde_json::from_str(text).is_ok_and(|value| self.has_keys(&value))
    }

    /// Whether a text is JSON of any kind.
    pub fn is_json(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    fn has_keys(&self, value: &Value) -> bool {
        self.keys.iter().chain([&VERSION]).all(|key| value.get(key).is_some())
    }

    /// The document in a text whose first line is line `first` of a file.
    pub fn parse<T: DeserializeOwned>(&self, path: &Path, first: usize, text: &str) -> Result<T, StoredError> {
        let path = || path.to_owned();
        let line = |error: &serde_json::Error| first + error.line().saturating_sub(1);
        let value: Value = serde_json::from_str(text).map_err(|source| StoredError::Syntax {
            path: path(),
            line: line(&source),
            source,
        })?;
        if !self.has_keys(&value) {
            return Err(StoredError::Kind { path: path(), line: first, kind: *self });
        }
        if value[VERSION] != self.version {
            let line = serde_json::from_str::<AtVersion>(text).err().as_ref().map_or(first, line);
            return Err(StoredError::Version { path: path(), line, found: value[VERSION].to_string(), kind: *self });
        }
        serde_json::from_str(text).map_err(|source| StoredError::Invalid {
            path: path(),
            line: line(&source),
            kind: *self,
            source,
        })
    }
}

/// Fails at the version of a document, so that the error tells its line.
#[derive(Deserialize)]
struct AtVersion {
    #[serde(rename = "version")]
    _version: Never,
}

struct Never;

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: DocumentKind =
        DocumentKind { name: "list of fruits", version: 1, keys: &["fruits"], remedy: "name a list" };

    #[derive(Debug, PartialEq, Deserialize)]
    struct Fruits {
        fruits: Vec<String>,
    }

    fn parsed(text: &str) -> Result<Fruits, StoredError> {
        KIND.parse(Path::new("fruits.json"), 1, text)
    }

    #[test]
    fn a_document_of_the_known_version_is_read() {
        let text = r#"{"fruits": ["plum"], "later key": 1, "version": 1}"#;
        assert_eq!(parsed(text).unwrap(), Fruits { fruits: vec!["plum".to_owned()] });
    }

    /// Each error names the file and the line at which it is wrong.
    #[rstest::rstest]
    #[case::version(
        "{\n\"fruits\": [],\n\"version\": 2}",
        "line 3: version 2 of a list of fruits is unknown; this harness reads version 1"
    )]
    #[case::version_as_text(
        "{\n\"version\": \"1\", \"fruits\": []}",
        "line 2: version \"1\" of a list of fruits is unknown; this harness reads version 1"
    )]
    #[case::no_version("{\"fruits\": []}", "line 1: it is not a list of fruits")]
    #[case::other_kind("{\"version\": 1,\n\"trees\": []}", "line 1: it is not a list of fruits")]
    #[case::no_object("[]", "line 1: it is not a list of fruits")]
    #[case::no_json("{\n\"version\": 1,\n!", "line 3 is not JSON")]
    #[case::empty("", "line 1 is not JSON")]
    #[case::wrong_type(
        "{\"version\": 1,\n\"fruits\": [\n1]}",
        "line 3: it does not follow the schema of a list of fruits"
    )]
    fn what_is_not_a_document_is_refused(#[case] text: &str, #[case] reason: &str) {
        assert_eq!(parsed(text).unwrap_err().to_string(), format!("failed to read fruits.json: {reason}"));
    }

    #[test]
    fn lines_are_counted_from_the_beginning_of_the_file() {
        let error = KIND.parse::<Fruits>(Path::new("f"), 7, "{\"fruits\": [],\n\"version\": 3}").unwrap_err();
        assert!(error.to_string().contains("line 8: version 3"), "{error}");
        let error = KIND.parse::<Fruits>(Path::new("f"), 7, "{").unwrap_err();
        assert!(error.to_string().contains("line 7 is not JSON"), "{error}");
    }
}
