//! The context of a build: the files that are sent to the engine, as an archive with one digest for one content.

use std::{
    fs::{self, File},
    io::{self, Seek as _, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use walkdir::WalkDir;

use super::{BuildError, ignore::Ignore};

/// The file with patterns of files that are not sent.
const IGNORE: &str = ".dockerignore";
/// The most bytes of a context; more is usually a folder that should have been left out.
const LARGEST: u64 = 4 << 30;

/// An archive of a context, in a file without a name.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) archive: File,
    /// The digest of the archive. Times and owners of files are not in it, as they are not in an image's cache.
    pub(super) digest: String,
    /// How many bytes the archive has.
    pub(super) bytes: u64,
}

impl Context {
    /// The archive of the folder `root`, without what its `.dockerignore` leaves out. The Dockerfile and the
    /// `.dockerignore` are always in it, because the engine reads them.
    pub(super) fn pack(root: &Path, dockerfile: &str) -> Result<Self, BuildError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| BuildError::File { path, source }
        };
        let ignore = root.join(IGNORE);
        let patterns = match fs::read_to_string(&ignore) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ignore::default(),
            text => Ignore::parse(&text.map_err(file(&ignore))?)
                .map_err(|pattern| BuildError::Pattern { path: ignore.clone(), pattern })?,
        };
        let archive = tempfile::tempfile().map_err(file(root))?;
        let mut builder = Builder::new(Digesting { file: archive, digest: Sha256::new(), bytes: 0 });
        let walk = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
        let is_sent = |path: &str| path == dockerfile || path == IGNORE || !patterns.leaves_out(path);
        let walk = walk.filter_entry(|entry| {
            let path = relative(entry.path(), root);
            // In a folder that is left out, only an exception or the Dockerfile is sent.
            is_sent(&path)
                || entry.file_type().is_dir()
                    && (patterns.has_exceptions() || dockerfile.starts_with(&format!("{path}/")))
        });
        for entry in walk {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                BuildError::File { path, source: error.into() }
            })?;
            let path = relative(entry.path(), root);
            if is_sent(&path) {
                append(&mut builder, entry.path(), &path).map_err(file(entry.path()))?;
            }
            let bytes = builder.get_ref().bytes;
            if bytes > LARGEST {
                return Err(BuildError::TooLarge { path: root.to_owned(), limit: LARGEST });
            }
        }
        let Digesting { file: mut archive, digest, bytes } = builder.into_inner().map_err(file(root))?;
        archive.rewind().map_err(file(root))?;
        Ok(Self { archive, digest: hex::encode(digest.finalize()), bytes })
    }
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// Sockets and devices are left out, as by Docker's client.
fn append(builder: &mut Builder<Digesting>, path: &Path, name: &str) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let mut header = Header::new_gnu();
    header.set_mode(metadata.permissions().mode() & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        return builder.append_link(&mut header, name, fs::read_link(path)?);
    }
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        header.set_size(0);
        return builder.append_data(&mut header, PathBuf::from(name).join(""), io::empty());
    }
    if metadata.is_file() {
        header.set_size(metadata.len());
        // A file that shrinks meanwhile must not shift what follows it.
        let content = io::Read::chain(File::open(path)?, io::repeat(0));
        return builder.append_data(&mut header, name, io::Read::take(content, metadata.len()));
    }
    Ok(())
}

/// A file, and the digest of what was written to it.
struct Digesting {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Digesting {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("Dockerfile", "FROM scratch\n"),
            ("bin/performer", "#!"),
            ("notes.md", "n"),
            ("README.md", "r"),
            ("target/debug/large", "l"),
            ("target/keep", "k"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::set_permissions(folder.path().join("bin/performer"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("bin/performer", folder.path().join("link")).unwrap();
        folder
    }

    fn modes(context: Context) -> BTreeMap<String, u32> {
        let mut archive = tar::Archive::new(context.archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap() & 0o111)
        });
        entries.collect()
    }

    #[test]
    fn files_that_are_ignored_are_not_sent_but_the_dockerfile_is() {
        let folder = folder();
        fs::write(folder.path().join(IGNORE), "*.md\n!README.md\ntarget\n!target/keep\nDockerfile\n").unwrap();
        let sent = modes(Context::pack(folder.path(), "Dockerfile").unwrap());
        let names: Vec<_> = sent.keys().map(String::as_str).collect();
        assert_eq!(names, [".dockerignore", "Dockerfile", "README.md", "bin/", "bin/performer", "link", "target/keep"]);
        assert_eq!((sent["bin/performer"], sent["README.md"]), (0o111, 0), "executables stay executable");
    }

    /// What is built again although nothing has changed delays each trial; what is not built again although something
    /// has is tested in place of it.
    #[test]
    fn the_digest_is_that_of_the_content() {
        let folder = folder();
        let digest = || Context::pack(folder.path(), "Dockerfile").unwrap().digest;
        let first = digest();
        let performer = folder.path().join("bin/performer");
        File::open(&performer).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(digest(), first, "the time of a file is no content");
        fs::write(&performer, "#?").unwrap();
        let changed = digest();
        assert_ne!(changed, first);
        fs::set_permissions(&performer, fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(digest(), changed, "it is no executable any more");
    }

    #[test]
    fn an_invalid_pattern_is_named_with_its_file() {
        let folder = folder();
        fs::write(folder.path().join(IGNORE), "a[\n").unwrap();
        let error = Context::pack(folder.path(), "Dockerfile").unwrap_err().to_string();
        assert!(error.contains(".dockerignore") && error.contains("`a[`"), "{error}");
    }
}
