//! The content of files at one moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ignore::WalkBuilder;
use sha2::{Digest as _, Sha256};

use super::{Inputs, WatchError, paths::is_by_product};

/// The most files of a folder.
const MOST_FILES: usize = 50_000;
/// A larger file, in bytes, is compared by its size and time.
const LARGEST: u64 = 64 << 20;
/// A file that was written this shortly before it was looked at may be written again without another time.
const SETTLED: Duration = Duration::from_secs(2);

/// The content of files at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    files: BTreeMap<PathBuf, Stamp>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
struct Stamp {
    size: u64,
    inode: u64,
    modified: SystemTime,
    looked: SystemTime,
    digest: [u8; 32],
}

impl Snapshot {
    /// The files that `inputs` name, and those of their folders, but for what is in `left_out`, what `.gitignore` names,
    /// hidden files, and what builds and editors write beside sources. Files that have not changed since `before` are not
    /// read again.
    pub fn take(inputs: &Inputs, left_out: &BTreeSet<PathBuf>, before: Option<&Self>) -> Result<Self, WatchError> {
        let mut snapshot = Self::default();
        let known = |path: &Path| before.and_then(|before| before.files.get(path));
        for path in &inputs.files {
            snapshot.add(path, known(path));
            snapshot.folders.extend(
                [Some(path.clone()), fs::canonicalize(path).ok()]
                    .into_iter()
                    .flatten()
                    .filter_map(|path| Some(path.ancestors().skip(1).find(|folder| folder.is_dir())?.to_owned())),
            );
        }
        for folder in &inputs.folders {
            snapshot.folders.extend(folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned));
            let is_left_out = left_out.clone();
            let mut walk = WalkBuilder::new(folder);
            // Without a repository as well, and whatever the user has configured for all of them.
            walk.require_git(false).git_global(false).git_exclude(false).ignore(false);
            walk.filter_entry(move |entry| {
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_root = entry.depth() == 0;
                is_root || (!is_left_out.contains(entry.path()) && !is_by_product(entry.file_name(), is_folder))
            });
            // What cannot be listed is not there.
            for (index, entry) in walk.build().filter_map(Result::ok).enumerate() {
                if index > MOST_FILES {
                    return Err(WatchError::Large { folder: folder.clone(), most: MOST_FILES });
                }
                if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    snapshot.folders.insert(entry.path().to_owned());
                } else {
                    snapshot.add(entry.path(), known(entry.path()));
                }
            }
        }
        Ok(snapshot)
    }

    /// The folders whose entries change if anything of it changes.
    pub fn folders(&self) -> &BTreeSet<PathBuf> {
        &self.folders
    }

    /// The files that are not as they were, that are new, or that are gone.
    pub fn changes_since(&self, before: &Self) -> Vec<PathBuf> {
        let all: BTreeSet<_> = self.files.keys().chain(before.files.keys()).collect();
        let content = |snapshot: &Self, path: &PathBuf| snapshot.files.get(path).map(|stamp| stamp.digest);
        all.into_iter().filter(|path| content(self, path) != content(before, path)).cloned().collect()
    }

    /// Takes the programs, and files that were not there, as they are now: they were built meanwhile. Other files that differ
    /// were edited.
    pub fn accept_built(&mut self, now: Self, programs: &BTreeSet<PathBuf>) {
        for (path, stamp) in now.files {
            if programs.contains(&path) || !self.files.contains_key(&path) {
                self.files.insert(path, stamp);
            }
        }
    }

    /// A file that cannot be read is one that is not there: whoever needs it says so.
    fn add(&mut self, path: &Path, known: Option<&Stamp>) {
        if let Ok(stamp) = Stamp::of(path, known) {
            self.files.insert(path.to_owned(), stamp);
        }
    }
}

impl Stamp {
    fn of(path: &Path, known: Option<&Self>) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let modified = metadata.modified()?;
        let looked = SystemTime::now();
        let is_known = |known: &&Self| {
            let (size, inode) = (metadata.len(), metadata.ino());
            let is_settled = known.looked.duration_since(known.modified).is_ok_and(|age| age > SETTLED);
            (known.size, known.inode, known.modified) == (size, inode, modified) && is_settled
        };
        let digest = match known.filter(is_known) {
            Some(known) => known.digest,
            None => digest_of(path, &metadata)?,
        };
        Ok(Self { size: metadata.len(), inode: metadata.ino(), modified, looked, digest })
    }
}

fn digest_of(path: &Path, metadata: &Metadata) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    if metadata.len() > LARGEST {
        digest.update(format!("{} {:?}", metadata.len(), metadata.modified()?));
    } else {
        io::copy(&mut File::open(path)?.take(LARGEST), &mut digest)?;
    }
    Ok(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::resolved;

    struct Sources {
        root: tempfile::TempDir,
        inputs: Inputs,
        left_out: BTreeSet<PathBuf>,
    }

    impl Sources {
        /// A folder `src` with files, and a file beside it.
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let at = |name: &str| resolved(&root.path().join(name));
            for folder in ["src/deep", "src/target", "src/out"] {
                fs::create_dir_all(root.path().join(folder)).unwrap();
            }
            let inputs = Inputs { files: [at("one")].into(), folders: [at("src")].into(), ..Inputs::default() };
            let sources = Self { left_out: [at("src/out")].into(), inputs, root };
            sources.write("one", "1");
            sources.write("src/deep/two", "2");
            sources.write("src/.gitignore", "bin/\n*.log\n");
            sources
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn take(&self, before: Option<&Snapshot>) -> Snapshot {
            Snapshot::take(&self.inputs, &self.left_out, before).unwrap()
        }

        fn changes(&self, now: &Snapshot, before: &Snapshot) -> Vec<String> {
            let root = fs::canonicalize(self.root.path()).unwrap();
            let name = |path: PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
            now.changes_since(before).into_iter().map(name).collect()
        }
    }

    #[test]
    fn changes_are_those_of_the_content() {
        let sources = Sources::new();
        let before = sources.take(None);
        sources.write("one", "1");
        assert_eq!(sources.changes(&sources.take(Some(&before)), &before), [""; 0]);
        // The same size, and on a coarse clock the same time.
        sources.write("one", "9");
        sources.write("src/new/three", "3");
        fs::remove_file(sources.root.path().join("src/deep/two")).unwrap();
        let after = sources.take(Some(&before));
        assert_eq!(sources.changes(&after, &before), ["one", "src/deep/two", "src/new/three"]);
        assert!(after.folders().contains(&resolved(&sources.root.path().join("src/new"))));
    }

    /// A run that causes the next one would never end.
    #[test]
    fn what_builds_and_editors_write_is_left_out() {
        let sources = Sources::new();
        let before = sources.take(None);
        for name in ["bin/a", "a.log", "target/b", "node_modules/c", ".git/d", "out/e", ".f.swp", "f~", "4913", "#f#"] {
            sources.write(&format!("src/{name}"), "x");
        }
        sources.write("two", "not named");
        assert_eq!(sources.changes(&sources.take(Some(&before)), &before), [""; 0]);
    }

    /// A package manager writes a lock file beside the sources, and a compiler a program.
    #[test]
    fn what_was_built_meanwhile_is_no_change() {
        let sources = Sources::new();
        let mut before = sources.take(None);
        sources.write("one", "built");
        sources.write("src/package-lock.json", "{}");
        sources.write("src/deep/two", "edited");
        before.accept_built(sources.take(Some(&before)), &sources.inputs.files);
        assert_eq!(sources.changes(&sources.take(Some(&before)), &before), ["src/deep/two"]);
    }
}
