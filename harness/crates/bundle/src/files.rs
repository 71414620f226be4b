//! The files of a folder, in the order in which they are packed.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use hourglass_runner::PERFORMER_FILES;

/// How many files are packed.
const COUNT: usize = 20_000;
/// How deep folders are read.
const DEPTH: usize = 16;

/// A file to pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its size in bytes when it was found.
    pub(crate) size: u64,
    /// Its path in the folder.
    pub(crate) name: PathBuf,
    /// Where its content is: a link is packed as the file that it leads to.
    pub(crate) path: PathBuf,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The files, the smallest first.
    pub(crate) files: Vec<Found>,
    /// What cannot be packed, and why.
    pub(crate) left_out: Vec<String>,
}

/// Lists a folder. What disappears meanwhile, and what is neither a file nor a folder, is left out.
pub(crate) fn list(folder: &Path) -> io::Result<Listing> {
    let root = folder.canonicalize()?;
    let mut walk = Walk { root: &root, listing: Listing::default(), linked: BTreeSet::new() };
    walk.folder(Path::new(""), 0)?;
    let Walk { mut listing, linked, .. } = walk;
    // A file with a link is packed once, under the name of the link.
    listing.files.retain(|file| file.path != root.join(&file.name) || !linked.contains(&file.path));
    listing.files.sort_by(|a, b| (a.size, &a.name).cmp(&(b.size, &b.name)));
    let more = listing.files.len().saturating_sub(COUNT);
    if more > 0 {
        listing.files.drain(..more);
        listing.left_out.push(format!("{more} more files: an archive has at most {COUNT}"));
    }
    listing.left_out.sort();
    Ok(listing)
}

struct Walk<'a> {
    root: &'a Path,
    listing: Listing,
    /// The files that links lead to.
    linked: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, name: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(name))? {
            let Ok(entry) = entry else { continue };
            let name = name.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if name == Path::new(PERFORMER_FILES) {
                // They may be secrets, and are there if the environment was kept.
                self.left_out(&name, "files that performers were given are not packed");
            } else if metadata.is_dir() && depth < DEPTH {
                // One that cannot be read is told; the others count.
                if let Err(error) = self.folder(&name, depth + 1) {
                    self.left_out(&name, &error.to_string());
                }
            } else if metadata.is_symlink() {
                self.link(name);
            } else {
                self.file(name.clone(), self.root.join(&name), &metadata);
            }
        }
        Ok(())
    }

    /// A link may lead anywhere: only files of the folder itself are packed.
    fn link(&mut self, name: PathBuf) {
        let Ok(target) = self.root.join(&name).canonicalize() else {
            return self.left_out(&name, "it is a link that leads nowhere");
        };
        match fs::symlink_metadata(&target) {
            _ if target.starts_with(self.root.join(PERFORMER_FILES)) => {
                self.left_out(&name, "it is a link to a performer's file");
            }
            Ok(metadata) if metadata.is_file() && target.starts_with(self.root) => {
                self.linked.insert(target.clone());
                self.file(name, target, &metadata);
            }
            _ => self.left_out(&name, "it is a link to something outside of the trial's folder"),
        }
    }

    fn file(&mut self, name: PathBuf, path: PathBuf, metadata: &Metadata) {
        if metadata.is_file() {
            self.listing.files.push(Found { size: metadata.len(), name, path });
        } else {
            self.left_out(&name, "it is no file");
        }
    }

    fn left_out(&mut self, name: &Path, why: &str) {
        self.listing.left_out.push(format!("{}: {why}", name.display()));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_that_performers_were_given_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("performer-files/alice/etc/avs")).unwrap();
        fs::write(path("performer-files/alice/etc/avs/token"), "hunter2").unwrap();
        symlink(path("performer-files/alice/etc/avs/token"), path("token")).unwrap();
        fs::write(path("index.md"), "text").unwrap();
        let listing = list(root.path()).unwrap();
        let names: Vec<_> = listing.files.iter().map(|file| file.name.to_str().unwrap()).collect();
        assert_eq!((names.as_slice(), listing.left_out.len()), (&["index.md"][..], 2), "{:?}", listing.left_out);
    }

    /// A component can write links into the folder; the archive must not take a user's own files along.
    #[test]
    fn links_are_followed_inside_of_the_folder_only() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let path = |name: &str| root.path().join(name);
        fs::create_dir(path("logs")).unwrap();
        fs::create_dir(path("performers")).unwrap();
        fs::write(path("performers/a.log"), "said").unwrap();
        fs::write(path("b"), "ab").unwrap();
        symlink(path("performers/a.log"), path("logs/performer-a.log")).unwrap();
        symlink(outside.path(), path("secret")).unwrap();
        symlink("/", path("all")).unwrap();
        let listing = list(root.path()).unwrap();
        let names: Vec<_> = listing.files.iter().map(|file| file.name.to_str().unwrap()).collect();
        assert_eq!(names, ["b", "logs/performer-a.log"], "the smallest first, each once");
        assert_eq!(listing.left_out.len(), 2, "{:?}", listing.left_out);
    }
}
