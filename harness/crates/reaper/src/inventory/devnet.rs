//! Devnets: environments for people, which a sweep of everything leaves alone.

use std::{fs, path::Path};

use jiff::Timestamp;
use serde::Deserialize;

/// The file in the folder of a devnet that tells what stands where. Its presence marks the folder.
pub const DEVNET_FILE: &str = "devnet.json";

/// What the file of a devnet says about its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct DevnetMark {
    /// When it may be ended without being named; `None` for never.
    #[serde(default)]
    pub keep_until: Option<Timestamp>,
}

impl DevnetMark {
    /// The mark in this folder. A file that cannot be read marks it as well: to end what somebody uses is worse than to
    /// keep it until somebody names it.
    pub fn in_folder(folder: &Path) -> Option<Self> {
        let path = folder.join(DEVNET_FILE);
        let text = fs::read(&path).ok();
        match text.and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(mark) => Some(mark),
            None => path.exists().then(Self::default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_marks_a_folder_whatever_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mark = |text: &str| {
            fs::write(folder.path().join(DEVNET_FILE), text).unwrap();
            DevnetMark::in_folder(folder.path()).unwrap().keep_until
        };
        assert_eq!(DevnetMark::in_folder(folder.path()), None);
        assert_eq!(["", "{}", "{\"keep_until\": null}", "{\"keep_until\": 7}"].map(mark), [None; 4]);
        let until = mark("{\"run\": \"r\", \"keep_until\": \"2026-03-01T12:00:00Z\"}");
        assert_eq!(until, Some("2026-03-01T12:00:00Z".parse().unwrap()));
    }
}
