//! An executable as it was at one moment: its bytes, its architecture and its libraries.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use lddtree::{DependencyAnalyzer, DependencyTree};
use tokio_util::bytes::Bytes;

use super::{ImageError, memory::Stamp};

/// Reads a file once, and checks that it was not written to meanwhile.
pub(super) fn read(path: &Path) -> Result<(Bytes, Stamp), ImageError> {
    let mut file = File::open(path).map_err(ImageError::file(path))?;
    let stamp =
        |file: &File| file.metadata().map(|metadata| Stamp::of(path, &metadata)).map_err(ImageError::file(path));
    let before = stamp(&file)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(ImageError::file(path))?;
    if stamp(&file)?.is_other_content(&before) {
        return Err(ImageError::Changed { path: path.to_owned() });
    }
    Ok((bytes.into(), before))
}

/// The architecture of an ELF executable by its name in images, as `amd64`.
///
/// From its header (System V ABI, chapter 4): class at 4, byte order at 5, machine at 18.
pub(super) fn architecture(path: &Path, bytes: &[u8]) -> Result<&'static str, ImageError> {
    let other = |reason: String| ImageError::NotExecutable { path: path.to_owned(), reason };
    let header = bytes.first_chunk::<20>().filter(|header| header.starts_with(b"\x7fELF"));
    let Some(header) = header else {
        let kind = if bytes.starts_with(b"#!") { "a script" } else { "no ELF file" };
        return Err(other(format!("it is {kind}, and containers run Linux executables")));
    };
    let little = header[5] == 1;
    let machine = [header[18], header[19]];
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    match (machine, header[4], little) {
        (0x3e, 2, true) => Ok("amd64"),
        (0xb7, 2, true) => Ok("arm64"),
        (0x03, 1, true) => Ok("386"),
        (0x28, 1, true) => Ok("arm"),
        (0xf3, 2, true) => Ok("riscv64"),
        (0x15, 2, true) => Ok("ppc64le"),
        (0x16, 2, false) => Ok("s390x"),
        _ => Err(other(format!("its machine {machine:#x} is none that images have a name for"))),
    }
}

/// A library, or the loader itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    /// The loader's path for it in the image.
    pub(super) image_path: PathBuf,
    /// Its path on this machine.
    pub(super) source: PathBuf,
}

/// The loader and all libraries that it loads for this executable, ordered by their path in the image; empty for a
/// static executable.
pub(super) fn libraries(path: &Path) -> Result<Vec<Library>, ImageError> {
    let fail = |source| ImageError::Libraries { path: path.to_owned(), source };
    let tree = DependencyAnalyzer::default().analyze(path).map_err(fail)?;
    let Some(interpreter) = tree.interpreter.clone() else { return Ok(Vec::new()) };
    let interpreter = PathBuf::from(interpreter);
    // The image has neither a cache of the loader nor the folders of an RPATH: every library is put next to the C
    // library, in a folder that every loader searches.
    let folder = folder_of_c(&tree).unwrap_or_else(|| interpreter.parent().unwrap_or(Path::new("/")).to_owned());
    let mut libraries = Vec::new();
    for library in tree.libraries.values() {
        let Some(source) = library.realpath.clone() else {
            return Err(ImageError::LibraryMissing { path: path.to_owned(), library: library.name.clone() });
        };
        let name = Path::new(&library.name).file_name().unwrap_or_default();
        let is_loader = Some(name) == interpreter.file_name();
        let image_path = if is_loader { interpreter.clone() } else { folder.join(name) };
        libraries.push(Library { image_path, source });
    }
    libraries.extend(name_services(&libraries));
    libraries.sort_by(|one, two| one.image_path.cmp(&two.image_path));
    Ok(libraries)
}

fn folder_of_c(tree: &DependencyTree) -> Option<PathBuf> {
    let library = tree.libraries.values().find(|library| library.name.starts_with("libc."))?;
    library.path.parent().map(Path::to_owned)
}

/// glibc before 2.34 loads the name service libraries at run time, so no header names them. Their files have the
/// version in their names, and links to them; later versions contain them, and have an empty file in their place.
fn name_services(libraries: &[Library]) -> Vec<Library> {
    let c = libraries.iter().find(|library| library.image_path.file_name().is_some_and(|name| name == "libc.so.6"));
    let Some((source, folder)) = c.and_then(|c| Some((c.source.parent()?, c.image_path.parent()?))) else {
        return Vec::new();
    };
    if !source.join("libnss_dns.so.2").is_symlink() {
        return Vec::new();
    }
    let names = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];
    let found = names.map(|name| Library { image_path: folder.join(name), source: source.join(name) });
    found.into_iter().filter(|library| library.source.exists()).collect()
}
