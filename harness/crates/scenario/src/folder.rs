//! The content of a folder of scenarios and of the folders below it: the scenario files, and the files that look like
//! one and are skipped.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::error::ScenarioError;

/// The most entries that are looked at: more are no folder of scenarios but a whole project.
const ENTRIES: usize = 100_000;
/// The deepest folder, counted from that of the scenarios.
const DEPTH: usize = 32;

/// A folder of scenarios.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The scenario files, sorted.
    pub files: Vec<PathBuf>,
    /// Files that somebody may take for a scenario of the folder, sorted.
    pub skipped_files: Vec<SkippedFile>,
}

/// A file that looks like a scenario and is not one of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// Its path.
    pub path: PathBuf,
    /// Why it is skipped, and what to do.
    pub why: &'static str,
}

impl Folder {
    /// Lists the folder and those below it. Links are followed, hidden files and subfolders are passed over.
    pub(super) fn list(folder: &Path) -> Result<Self, ScenarioError> {
        let failed = |source| ScenarioError::ListDirectory { path: folder.to_owned(), source };
        let metadata = match fs::metadata(folder) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(ScenarioError::NoDirectory(folder.to_owned()));
            }
            // One that this user may not look at may well exist.
            metadata => metadata.map_err(failed)?,
        };
        if !metadata.is_dir() {
            return Err(ScenarioError::IsFile(folder.to_owned()));
        }
        let mut walk = Walk { found: Self::default(), seen: BTreeSet::new(), entries: 0 };
        walk.see(&metadata);
        walk.entries(folder, 0).map_err(failed)?;
        if walk.entries > ENTRIES {
            return Err(ScenarioError::LargeDirectory { path: folder.to_owned(), most: ENTRIES });
        }
        let mut found = walk.found;
        found.files.sort();
        found.skipped_files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

/// A walk through a folder and those below it.
struct Walk {
    found: Folder,
    /// The folders that were listed, by device and inode: a link may lead back to one of them.
    seen: BTreeSet<(u64, u64)>,
    entries: usize,
}

impl Walk {
    /// Whether the folder is seen for the first time.
    fn see(&mut self, folder: &fs::Metadata) -> bool {
        self.seen.insert((folder.dev(), folder.ino()))
    }

    fn entries(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        let mut paths: Vec<_> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, io::Error>>()?;
        // The same path each time for a folder that several links lead to.
        paths.sort();
        for path in paths {
            self.entries += 1;
            if self.entries > ENTRIES {
                break;
            }
            self.entry(path, depth);
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, depth: usize) {
        // Editors and file servers keep files of their own beside those of the user: `.#square.yaml`, `._square.yaml`.
        if is_hidden(&path) && !is_nameless(&path) {
            return;
        }
        let named_like_one = is_file(&path) || is_nameless(&path);
        let why = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                if is_hidden(&path) || !self.see(&metadata) {
                    return;
                }
                if depth < DEPTH && self.entries(&path, depth + 1).is_ok() {
                    return;
                }
                let why = if depth < DEPTH {
                    "the folder cannot be listed; see whose it is"
                } else {
                    "the folder is too deep; move its scenarios up"
                };
                self.found.skipped_files.push(SkippedFile { path, why });
                return;
            }
            Ok(metadata) if metadata.is_file() && is_nameless(&path) => {
                "it has no name before the dot; call it as its scenario"
            }
            Ok(metadata) if metadata.is_file() => {
                if named_like_one {
                    self.found.files.push(path);
                }
                return;
            }
            Ok(_) => "it is neither a file nor a folder; replace it with a file",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "it is a link to nothing; mend or remove it",
            Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
                "it is a link that leads to itself; mend or remove it"
            }
            Err(_) => "it cannot be looked at; see whose it is",
        };
        if named_like_one {
            self.found.skipped_files.push(SkippedFile { path, why });
        }
    }
}

/// Whether this is the name of a scenario file.
pub(super) fn is_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml"))
}

/// `.yaml` has no extension, and its scenario has no name.
fn is_nameless(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(".yaml") || name.eq_ignore_ascii_case(".yml"))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    const SCENARIO: &str = "name: a\nsteps: []\n";

    fn folder(fill: impl FnOnce(&Path)) -> (Vec<String>, Vec<(String, &'static str)>) {
        let root = tempfile::tempdir().unwrap();
        fill(root.path());
        let found = Folder::list(root.path()).unwrap();
        let name = |path: &Path| path.strip_prefix(root.path()).unwrap().to_string_lossy().into_owned();
        let skipped_files = found.skipped_files.iter().map(|over| (name(&over.path), over.why)).collect();
        (found.files.iter().map(|path| name(path)).collect(), skipped_files)
    }

    /// A link counts as the file that it leads to, and a name may contain any characters: loading checks it.
    #[test]
    fn links_and_names_with_any_characters_are_scenarios() {
        let (files, skipped_files) = folder(|root| {
            fs::write(root.join("a.yaml"), SCENARIO).unwrap();
            fs::write(root.join("B.YML"), SCENARIO).unwrap();
            fs::write(root.join(OsStr::from_bytes(b"x\xff.yaml")), SCENARIO).unwrap();
            fs::write(root.join("README.md"), "steps: no").unwrap();
            symlink(root.join("a.yaml"), root.join("link.yaml")).unwrap();
        });
        assert_eq!(files, ["B.YML", "a.yaml", "link.yaml", "x\u{fffd}.yaml"]);
        assert_eq!(skipped_files, []);
    }

    /// Scenarios may be sorted into folders. A folder that links lead to is read once, and so is the folder itself.
    #[test]
    fn folders_below_are_read_and_hidden_ones_are_not() {
        let (files, skipped_files) = folder(|root| {
            for name in ["faults/network", "empty", ".git", "load.yaml", "faults/.cache"] {
                fs::create_dir_all(root.join(name)).unwrap();
            }
            for name in [
                "a.yaml",
                "faults/b.yaml",
                "faults/network/c.yml",
                ".git/d.yaml",
                "faults/._e.yaml",
                "load.yaml/e.yaml",
                "faults/.cache/f.yaml",
            ] {
                fs::write(root.join(name), SCENARIO).unwrap();
            }
            fs::write(root.join("faults/README.md"), "steps: no").unwrap();
            symlink(root, root.join("faults/again")).unwrap();
            symlink(root.join("faults"), root.join("linked")).unwrap();
        });
        assert_eq!(files, ["a.yaml", "faults/b.yaml", "faults/network/c.yml", "load.yaml/e.yaml"]);
        assert_eq!(skipped_files, []);
    }

    /// What is not read may have scenarios that somebody relies on.
    #[test]
    fn folders_that_are_too_deep_are_reported() {
        let (files, skipped_files) = folder(|root| {
            let deep = root.join("d/".repeat(DEPTH + 1));
            fs::create_dir_all(&deep).unwrap();
            fs::write(deep.join("deep.yaml"), SCENARIO).unwrap();
            fs::write(deep.join("../reached.yaml"), SCENARIO).unwrap();
        });
        assert_eq!(files, ["d/".repeat(DEPTH) + "reached.yaml"]);
        assert_eq!(skipped_files.len(), 1, "{skipped_files:?}");
        assert!(skipped_files[0].1.contains("too deep"), "{skipped_files:?}");
    }

    /// A file that is not run must be reported: a green run without it proves nothing.
    #[test]
    fn files_that_only_look_like_scenarios_are_reported() {
        let (files, skipped_files) = folder(|root| {
            fs::write(root.join(".yaml"), SCENARIO).unwrap();
            symlink(root.join("nowhere"), root.join("lost.yaml")).unwrap();
            fs::create_dir_all(root.join("sub")).unwrap();
            symlink(root.join("nowhere"), root.join("sub/lost.yaml")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe.yaml"), rustix::fs::Mode::RUSR).unwrap();
            symlink("round.yaml", root.join("round.yaml")).unwrap();
        });
        assert_eq!(files, [""; 0]);
        let expected = [
            (".yaml", "no name before the dot"),
            ("lost.yaml", "link to nothing"),
            ("pipe.yaml", "neither a file nor a folder"),
            ("round.yaml", "link that leads to itself"),
            ("sub/lost.yaml", "link to nothing"),
        ];
        assert_eq!(skipped_files.len(), expected.len(), "{skipped_files:?}");
        for ((name, why), (expected, reason)) in skipped_files.iter().zip(expected) {
            assert_eq!(name, expected);
            assert!(why.contains(reason), "{name}: {why}");
        }
    }
}
