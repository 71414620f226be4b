//! Archives of trials: their contents, and the keys that must not be in them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::MultiGzDecoder;
use hourglass_harness::chain::{AccountSecret, Accounts};

/// The first file of every archive.
pub(crate) const FIRST_PAGE: &str = "index.md";

/// An archive that was unpacked.
pub(crate) struct Archive {
    /// The names of the files in their order, without the folder that all of them are in.
    pub(crate) names: Vec<String>,
    /// The files by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Self {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(path).unwrap()));
        let (mut names, mut files) = (Vec::new(), BTreeMap::new());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let name = name.split_once('/').unwrap().1.to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            names.push(name.clone());
            files.insert(name, content);
        }
        Self { names, files }
    }

    /// The only archive in a folder.
    #[track_caller]
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let archives: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [archive] = archives.try_into().unwrap();
        Self::open(&archive)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        assert!(self.files.contains_key(name), "{name} is not among {:?}", self.names);
        String::from_utf8_lossy(&self.files[name]).into_owned()
    }

    /// The first page, which must be the first file.
    pub(crate) fn first_page(&self) -> String {
        assert_eq!(self.names.first().map(String::as_str), Some(FIRST_PAGE));
        self.text(FIRST_PAGE)
    }

    #[track_caller]
    pub(crate) fn assert_without(&self, keys: &[String]) {
        for (name, content) in &self.files {
            assert_without(name, content, keys);
        }
    }
}

/// The keys of all accounts of a trial with these operators, whose harness uses this cache.
pub(crate) fn keys(cache: &Path, operators: &[&str]) -> Vec<String> {
    let secret = AccountSecret::in_cache(cache).unwrap();
    let Accounts { deployer, avs, app, aggregator, operators, .. } =
        Accounts::derive(&secret, operators.iter().copied());
    let named = [deployer, avs, app, aggregator].map(|key| key.to_hex());
    named.into_iter().chain(operators.iter().map(|operator| operator.key.to_hex())).collect()
}

/// Asserts that no file of a folder has one of the keys.
#[track_caller]
pub(crate) fn assert_folder_without(folder: &Path, keys: &[String]) {
    let (mut folders, mut read) = (vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if let Ok(content) = fs::read(&path) {
                read += 1;
                assert_without(&path.display().to_string(), &content, keys);
            }
        }
    }
    assert!(read > 5, "only {read} files were read");
}

#[track_caller]
fn assert_without(name: &str, content: &[u8], keys: &[String]) {
    let mut unpacked = Vec::new();
    if content.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(content).read_to_end(&mut unpacked).unwrap();
    }
    for content in [content, &unpacked] {
        let text = String::from_utf8_lossy(content);
        let lower = text.to_ascii_lowercase();
        for key in keys {
            let bare = key.trim_start_matches("0x");
            assert!(!lower.contains(bare), "{name} has a key:\n{text}");
            for bytes in [bare.as_bytes().to_vec(), hex::decode(bare).unwrap()] {
                let encoded = STANDARD.encode(bytes);
                assert!(!text.contains(encoded.trim_end_matches('=')), "{name} has a key in base64:\n{text}");
            }
        }
    }
}

/// The run ids of the folders of trials, the latest last.
pub(crate) fn run_ids(folders: &[PathBuf]) -> Vec<String> {
    let mut ids: Vec<_> =
        folders.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
