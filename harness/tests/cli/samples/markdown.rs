//! The documents of the repository and their parts.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Folders that are skipped: build output, npm packages, and documents about the past.
const LEFT_OUT: [&str; 4] = ["target", "node_modules", "decisions", "CHANGELOG.md"];

/// A part of a document, and its place, for example `README.md:12`.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) place: String,
    pub(super) text: String,
}

/// The parts of a document that are checked.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) path: PathBuf,
    /// Fenced blocks with their languages.
    pub(super) blocks: Vec<(String, Part)>,
    /// Code within sentences.
    pub(super) spans: Vec<Part>,
    /// The targets of links.
    pub(super) links: Vec<Part>,
}

impl Document {
    /// All documents of the repository.
    pub(super) fn all() -> Vec<Self> {
        files("md").into_iter().map(Self::read).collect()
    }

    /// One document, by its path below the repository's folder.
    pub(super) fn named(path: &str) -> Self {
        Self::read(root().join(path))
    }

    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let mut document = Self { path, ..Self::default() };
        let mut block: Option<(String, Part)> = None;
        for (event, range) in Parser::new(&text).into_offset_iter() {
            let line = text[..range.start].matches('\n').count() + 1;
            let part = |text: &str| Part { place: format!("{name}:{line}"), text: text.to_owned() };
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some((language.to_string(), part("")));
                }
                Event::Text(text) => block.iter_mut().for_each(|(_, block)| block.text.push_str(&text)),
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Code(text) => document.spans.push(part(&text)),
                Event::Start(Tag::Link { dest_url, .. }) => document.links.push(part(&dest_url)),
                _ => {}
            }
        }
        document
    }

    /// The fenced blocks of a language.
    pub(super) fn blocks_of<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Part> {
        self.blocks.iter().filter(move |(named, _)| named == language).map(|(_, block)| block)
    }
}

/// The repository's folder.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files of the repository with this extension.
pub(super) fn files(extension: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    collect(&root(), extension, &mut paths);
    paths.sort();
    paths
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if LEFT_OUT.contains(&name) || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, extension, paths);
        } else if path.extension() == Some(OsStr::new(extension)) {
            paths.push(path);
        }
    }
}
