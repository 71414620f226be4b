//! The content of a folder of scenarios: the scenario files, and the files that look like one and are skipped.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::ScenarioError;

/// How deep subfolders are searched for misplaced scenarios.
const DEPTH: u8 = 3;
/// How many entries of subfolders are checked: the folder may belong to a whole project.
const ENTRIES: usize = 2_000;
/// How many bytes of a file are read to see whether it is a scenario.
const HEAD: u64 = 64 * 1024;

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
    /// Lists the folder. Links are followed.
    pub(super) fn list(folder: &Path) -> Result<Self, ScenarioError> {
        if !folder.is_dir() {
            return Err(ScenarioError::NoDirectory(folder.to_owned()));
        }
        let failed = |source| ScenarioError::ListDirectory { path: folder.to_owned(), source };
        let mut found = Self::default();
        let mut budget = ENTRIES;
        for entry in fs::read_dir(folder).map_err(failed)? {
            found.entry(entry.map_err(failed)?.path(), &mut budget);
        }
        found.files.sort();
        found.skipped_files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn entry(&mut self, path: PathBuf, budget: &mut usize) {
        let named_like_one = is_file(&path) || is_nameless(&path);
        let why = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                self.below(&path, DEPTH, budget);
                "it is a folder; move its scenarios up, or name it with `--scenarios`"
            }
            Ok(metadata) if metadata.is_file() && is_nameless(&path) => {
                "it has no name before the dot; call it as its scenario"
            }
            Ok(metadata) if metadata.is_file() => {
                if named_like_one {
                    self.files.push(path);
                }
                return;
            }
            Ok(_) => "it is neither a file nor a folder; replace it with a file",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "it is a link to nothing; mend or remove it",
            Err(_) => "it cannot be looked at; see whose it is",
        };
        if named_like_one {
            self.skipped_files.push(SkippedFile { path, why });
        }
    }

    /// Scenarios in subfolders. A file there that cannot be read was not meant to be found.
    fn below(&mut self, folder: &Path, depth: u8, budget: &mut usize) {
        for path in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()) {
            let Some(left) = budget.checked_sub(1) else { return };
            *budget = left;
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.is_dir() {
                if depth > 1 && !is_hidden {
                    self.below(&path, depth - 1, budget);
                }
            } else if is_file(&path) && looks_like_one(&path) {
                let why =
                    "it stands in a subfolder; move it up, name it as a file, or name its folder with `--scenarios`";
                self.skipped_files.push(SkippedFile { path, why });
            }
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

/// Projects have many other YAML files.
fn looks_like_one(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = path.is_file() && File::open(path).is_ok_and(|file| file.take(HEAD).read_to_end(&mut head).is_ok());
    read && head.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"steps:"))
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

    /// A file that is not run must be reported: a green run without it proves nothing.
    #[test]
    fn files_that_only_look_like_scenarios_are_reported() {
        let (files, skipped_files) = folder(|root| {
            fs::write(root.join(".yaml"), SCENARIO).unwrap();
            symlink(root.join("nowhere"), root.join("lost.yaml")).unwrap();
            fs::create_dir_all(root.join("folder.yaml")).unwrap();
            fs::create_dir_all(root.join("sub/deeper")).unwrap();
            fs::write(root.join("sub/deeper/b.yaml"), SCENARIO).unwrap();
            fs::write(root.join("sub/chart.yaml"), "name: chart\n").unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe.yaml"), rustix::fs::Mode::RUSR).unwrap();
        });
        assert_eq!(files, [""; 0]);
        let expected = [
            (".yaml", "no name before the dot"),
            ("folder.yaml", "is a folder"),
            ("lost.yaml", "link to nothing"),
            ("pipe.yaml", "neither a file nor a folder"),
            ("sub/deeper/b.yaml", "in a subfolder"),
        ];
        assert_eq!(skipped_files.len(), expected.len(), "{skipped_files:?}");
        for ((name, why), (expected, reason)) in skipped_files.iter().zip(expected) {
            assert_eq!(name, expected);
            assert!(why.contains(reason), "{name}: {why}");
        }
    }
}
