//! The content of an image, in the two parts that are its layers.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Component, Path, PathBuf},
};

use tokio_util::bytes::Bytes;

use super::{
    ImageError, ImageRole,
    executable::{self, Library},
    memory::Stamp,
};

/// A user that no distribution uses, the same as in distroless images.
pub(super) const USER: &str = "65532:65532";
const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\n\
                      nobody:x:65534:65534:nobody:/:/sbin/nologin\n\
                      hourglass:x:65532:65532:hourglass:/tmp:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\nhourglass:x:65532:\n";
const NAMES: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// The paths of certificate authorities in distributions.
pub(super) const CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// An entry of a root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A folder with these permissions.
    Folder(u32),
    /// A file with these permissions.
    File(u32, Bytes),
    /// A link.
    Link(PathBuf),
}

/// Entries by their paths from `/`; a folder comes before its content.
pub(super) type Entries = BTreeMap<PathBuf, Entry>;

/// The content of an image.
#[derive(Debug, Clone)]
pub struct RootFilesystem {
    /// The role of the image.
    pub role: ImageRole,
    /// Its architecture, as `amd64`.
    pub architecture: &'static str,
    /// Users, certificates, the libraries: the lower layer.
    pub(super) system: Entries,
    /// The executable: the upper layer.
    pub(super) program: Entries,
    /// Its source files on this machine.
    pub(super) sources: Vec<Stamp>,
}

impl RootFilesystem {
    /// The content of an image for `role`, with this executable.
    pub fn collect(role: ImageRole, executable: &Path) -> Result<Self, ImageError> {
        // The libraries are determined by path; reading the file then checks that it is still the same.
        let (bytes, stamp) = executable::read(executable)?;
        let architecture = executable::architecture(executable, &bytes)?;
        let libraries = executable::libraries(executable)?;
        let mut system = system();
        let mut sources = vec![stamp];
        for Library { image_path, source } in libraries {
            let (bytes, stamp) = executable::read(&source)?;
            sources.push(stamp);
            add_library(&mut system, &image_path, bytes);
        }
        if let Some(bundle) = certificates() {
            let (bytes, stamp) = executable::read(bundle)?;
            sources.push(stamp);
            add(&mut system, Path::new(CERTIFICATES[0]), Entry::File(0o644, bytes));
        }
        let mut program = Entries::new();
        add(&mut program, Path::new(role.program()), Entry::File(0o755, bytes));
        Ok(Self { role, architecture, system, program, sources })
    }

    /// Writes it into a folder, which is created if it does not exist; for a `Dockerfile` that copies it.
    pub fn write_to(&self, folder: &Path) -> Result<(), ImageError> {
        fs::create_dir_all(folder).map_err(ImageError::file(folder))?;
        for (path, entry) in self.system.iter().chain(&self.program) {
            let path = folder.join(path);
            let written = match entry {
                Entry::Folder(_) => fs::create_dir_all(&path),
                Entry::File(_, bytes) => fs::write(&path, bytes),
                Entry::Link(target) if fs::read_link(&path).is_ok_and(|there| there == *target) => Ok(()),
                Entry::Link(target) => symlink(target, &path),
            };
            written.map_err(ImageError::file(&path))?;
            if let Entry::Folder(mode) | Entry::File(mode, _) = entry {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).map_err(ImageError::file(&path))?;
            }
        }
        Ok(())
    }
}

/// The machine's bundle of certificates, if it has one.
pub(super) fn certificates() -> Option<&'static Path> {
    CERTIFICATES.iter().map(Path::new).find(|path| path.is_file())
}

fn system() -> Entries {
    let mut entries = Entries::new();
    for (path, text) in [("/etc/passwd", PASSWD), ("/etc/group", GROUP), ("/etc/nsswitch.conf", NAMES)] {
        add(&mut entries, Path::new(path), Entry::File(0o644, Bytes::from_static(text.as_bytes())));
    }
    add(&mut entries, Path::new("/tmp"), Entry::Folder(0o1777));
    entries
}

/// Puts a library at its path, with the links to folders on that path on this machine (`/lib` is often one).
fn add_library(entries: &mut Entries, image_path: &Path, bytes: Bytes) {
    let mut real = PathBuf::from("/");
    let parents = image_path.parent().unwrap_or(Path::new("/")).components();
    for part in parents.filter(|part| matches!(part, Component::Normal(_))) {
        let here = real.join(part);
        real = match (fs::read_link(&here), fs::canonicalize(&here)) {
            (Ok(target), Ok(end)) => {
                add(entries, &here, Entry::Link(target));
                end
            }
            _ => here,
        };
    }
    add(entries, &real.join(image_path.file_name().unwrap_or_default()), Entry::File(0o755, bytes));
}

/// Adds an entry at its path, with the folders above it.
fn add(entries: &mut Entries, path: &Path, entry: Entry) {
    let within = path.strip_prefix("/").unwrap_or(path);
    let parents = within.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    for parent in parents {
        entries.entry(parent.to_owned()).or_insert(Entry::Folder(0o755));
    }
    entries.insert(within.to_owned(), entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The legacy builder copies a folder entry by entry: the context must be the same the second time.
    #[test]
    fn a_build_context_can_be_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut system = system();
        system.insert("lib".into(), Entry::Link("usr/lib".into()));
        let filesystem = RootFilesystem {
            role: ImageRole::Anvil,
            architecture: "amd64",
            system,
            program: Entries::new(),
            sources: Vec::new(),
        };
        for _ in 0..2 {
            filesystem.write_to(folder.path()).unwrap();
        }
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("tmp"), mode("etc/passwd")), (0o1777, 0o644));
        assert_eq!(fs::read_link(folder.path().join("lib")).unwrap(), Path::new("usr/lib"));
    }
}
