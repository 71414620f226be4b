//! Packs the folder of a trial into one archive.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytesize::ByteSize;
use flate2::{Compression, write::GzEncoder};
use hourglass_component::text::{cut, safe, safe_line};
use hourglass_runner::{FIRST_PAGE, RunFolders};
use tar::{Builder, EntryType, Header};

use crate::{
    BundleError,
    cut::{Content, content},
    files::{Listing, list},
    secrets::Secrets,
};

/// What an archive may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Its size in bytes.
    pub bytes: u64,
    /// The time for all of it.
    pub within: Duration,
}

impl Default for Limits {
    /// 20 MB, in ten seconds.
    fn default() -> Self {
        Self { bytes: 20_000_000, within: Duration::from_secs(10) }
    }
}

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The archive.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many files it has.
    pub files: usize,
    /// What of the folder it does not have, and why.
    pub left_out: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// How many bytes of the first page are packed.
const PAGE: usize = 256 << 10;
/// How many remarks the first page has.
const REMARKS: usize = 200;
/// What compression may hold back and archives add, in bytes.
const SLACK: u64 = 600_000;
/// What an entry takes besides its content, in bytes.
const ENTRY: u64 = 2_048;
/// How much of the time remains for the end of the work.
const REST: u32 = 4;

/// The name of the archive of a trial with this folder.
pub fn file_name(folder: &Path) -> String {
    format!("{}.tar.gz", top(folder))
}

/// Packs a folder of a trial into `archive`, which only its owner may read. An existing file is replaced when the new one is
/// complete.
///
/// The first page is the first entry: `page`, else the one in the folder, with what the archive leaves out. The other
/// files follow by size, the largest last; they are cut in the middle, or left out, when the limits are reached.
pub fn pack(folder: &Path, page: Option<&str>, archive: &Path, limits: Limits) -> Result<Packed, BundleError> {
    let began = Instant::now();
    let of_folder = |source| BundleError::Folder { path: folder.to_owned(), source };
    let of_archive = |source| BundleError::Write { path: archive.to_owned(), source };
    let Listing { mut files, mut left_out } = match list(folder) {
        // A trial that fails early in its start has no folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound && page.is_some() => Listing::default(),
        listing => listing.map_err(of_folder)?,
    };
    files.retain(|file| file.name != Path::new(FIRST_PAGE));
    let secrets = Secrets::of_trial(folder);
    let top = top(folder);
    let room = limits.bytes.saturating_sub(SLACK);
    let deadline = began + limits.within.saturating_sub(limits.within / REST);
    let mut rest = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut packed = 1;
    for (index, file) in files.iter().enumerate() {
        let name = file.name.display();
        if Instant::now() >= deadline {
            left_out.push(format!("{name}: there was no time for it"));
            continue;
        }
        let left = room.saturating_sub(length(rest.get_ref().get_ref()));
        let share = left / u64::try_from(files.len() - index).unwrap_or(u64::MAX);
        if share < ENTRY + 512 {
            left_out.push(format!("{name}: there was no space for it"));
            continue;
        }
        let content = match content(&file.path, share - ENTRY, &secrets) {
            Ok(Content::Whole(content)) => content,
            Ok(Content::Cut(content, missing)) => {
                left_out.push(format!("{name}: {} in its middle", ByteSize(missing)));
                content
            }
            Ok(Content::Unusable) => {
                left_out.push(format!("{name}: it has {}, and a part of it is of no use", ByteSize(file.size)));
                continue;
            }
            // It was removed meanwhile, or belongs to somebody else.
            Err(error) => {
                left_out.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut header = header(length(&content), modified(&file.path));
        let path = Path::new(&top).join(&file.name);
        rest.append_data(&mut header, path, content.as_slice()).map_err(of_archive)?;
        packed += 1;
    }
    let rest = rest.into_inner().and_then(GzEncoder::finish).map_err(of_archive)?;
    let page = secrets.redacted(first_page(folder, page, &left_out).into_bytes());
    // Two members of one gzip file: what the first page says is known last.
    let first = first_entry(&format!("{top}/{FIRST_PAGE}"), &page).map_err(of_archive)?;
    write(archive, &[&first, &rest]).map_err(of_archive)?;
    let bytes = length(&first) + length(&rest);
    Ok(Packed { path: archive.to_owned(), bytes, files: packed, left_out, took: began.elapsed() })
}

/// The folder in the archive.
fn top(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).take(60).collect();
    format!("hourglass-{name}")
}

fn first_page(folder: &Path, page: Option<&str>, left_out: &[String]) -> String {
    let of_folder = || fs::read_to_string(folder.join(FIRST_PAGE)).ok();
    let page = page.map(str::to_owned).or_else(of_folder).unwrap_or_else(|| {
        let trial = RunFolders::trial_in(folder).unwrap_or_else(|| "unknown trial".to_owned());
        format!("# {}: no verdict\n\nThe trial had not ended, or its harness was killed.\n", safe_line(&trial))
    });
    let mut page = cut(&page, PAGE).into_owned();
    page.push_str(
        "\n## Left out of this archive\n\nPrivate keys, tokens and passwords are replaced by `(left out)`.\n",
    );
    if !left_out.is_empty() {
        page.push('\n');
    }
    for remark in left_out.iter().take(REMARKS) {
        let _ = writeln!(page, "    {}", safe_line(remark));
    }
    if left_out.len() > REMARKS {
        let _ = writeln!(page, "    {} more files", left_out.len() - REMARKS);
    }
    safe(&page).into_owned()
}

/// The beginning of an archive: one entry, after which others may follow.
fn first_entry(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = header(length(content), 0);
    header.set_path(name)?;
    header.set_cksum();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(header.as_bytes())?;
    packed.write_all(content)?;
    packed.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()])?;
    packed.finish()
}

fn header(size: u64, modified: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(modified);
    header
}

/// When a file was written, in seconds since 1970.
fn modified(path: &Path) -> u64 {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Writes a file for this user alone, in one piece. It replaces no device, pipe or link, such as `/dev/stdout`: root
/// may, and then no other program has it any more.
fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there and no ordinary file; name another"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Such a file has the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs::File, io::Read as _, os::unix::fs::PermissionsExt as _};

    use flate2::read::MultiGzDecoder;
    use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    /// The entries of an archive in their order, and their contents.
    fn unpacked(path: &Path) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(path).unwrap()));
        let (mut names, mut contents) = (Vec::new(), BTreeMap::new());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            names.push(name.clone());
            contents.insert(name, content);
        }
        (names, contents)
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("r00000000a-00000000");
        fs::create_dir_all(folder.join("logs")).unwrap();
        (root, folder)
    }

    /// Root may replace `/dev/stdout` and `/dev/null`, and containers run as root.
    #[test]
    fn what_is_no_ordinary_file_is_not_replaced() {
        let (root, folder) = folder();
        fs::write(root.path().join("target"), "").unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink("target", &link).unwrap();
        let socket = root.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&link, &socket] {
            let error = pack(&folder, None, path, Limits::default()).unwrap_err();
            assert!(matches!(error, BundleError::Write { .. }), "{error:?}");
            assert!(!fs::symlink_metadata(path).unwrap().is_file(), "{} was replaced", path.display());
        }
    }

    #[test]
    fn the_first_page_is_first_and_the_largest_file_is_last() {
        let (root, folder) = folder();
        fs::write(folder.join(FIRST_PAGE), "# x: failed\n").unwrap();
        fs::write(folder.join("logs/aggregator.log"), "x".repeat(9_000)).unwrap();
        fs::write(folder.join("scenario.yaml"), "name: x\n").unwrap();
        let archive = root.path().join(file_name(&folder));
        fs::write(&archive, "an earlier one").unwrap();
        fs::set_permissions(&archive, fs::Permissions::from_mode(0o644)).unwrap();
        let packed = pack(&folder, None, &archive, Limits::default()).unwrap();
        let names = [FIRST_PAGE, "scenario.yaml", "logs/aggregator.log"];
        let (found, contents) = unpacked(&archive);
        assert_eq!(found, names.map(|name| format!("hourglass-r00000000a-00000000/{name}")));
        assert_eq!(packed.bytes, fs::metadata(&archive).unwrap().len());
        assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
        let page = String::from_utf8(contents[&found[0]].clone()).unwrap();
        assert!(page.starts_with("# x: failed\n") && page.contains("## Left out of this archive"), "{page}");
    }

    /// 200 MB that cannot be compressed, in three logs, beside evidence that is small and must stay whole.
    #[test]
    fn large_logs_are_packed_within_the_limits_of_size_and_time() {
        let (root, folder) = folder();
        let mut random = StdRng::seed_from_u64(7);
        let mut block = vec![0; 1 << 20];
        random.fill_bytes(&mut block);
        // Text: no zero in it. It repeats too far away for compression.
        for byte in &mut block {
            *byte |= 1;
        }
        for (name, blocks) in [("a", 60), ("b", 70), ("c", 70)] {
            let mut file = File::create(folder.join(format!("logs/{name}.log"))).unwrap();
            writeln!(file, "first of {name}").unwrap();
            for _ in 0..blocks {
                file.write_all(&block).unwrap();
            }
            writeln!(file, "\nlast of {name}").unwrap();
        }
        fs::write(folder.join("timeline.jsonl"), "{}\n".repeat(20_000)).unwrap();
        let archive = root.path().join("x.tar.gz");
        let packed = pack(&folder, Some("# x: failed\n"), &archive, Limits::default()).unwrap();
        assert!(packed.bytes <= 20_000_000, "{} bytes", packed.bytes);
        assert!(packed.took <= Duration::from_secs(10), "{:?}", packed.took);
        let (names, contents) = unpacked(&archive);
        assert_eq!(contents["hourglass-r00000000a-00000000/timeline.jsonl"].len(), 60_000);
        assert!(names.last().unwrap().ends_with("logs/c.log"), "{names:?}");
        let page = String::from_utf8(contents[&names[0]].clone()).unwrap();
        for name in ["a", "b", "c"] {
            let log = &contents[&format!("hourglass-r00000000a-00000000/logs/{name}.log")];
            assert!(log.starts_with(format!("first of {name}\n").as_bytes()), "the beginning of {name} is missing");
            assert!(log.ends_with(format!("\nlast of {name}\n").as_bytes()), "the end of {name} is missing");
            assert!(page.contains(&format!("    logs/{name}.log: ")), "{page}");
        }
    }

    /// A trial may have more evidence than an archive has time for: what was packed by then is an archive.
    #[test]
    fn without_time_or_space_the_first_page_is_packed_and_says_so() {
        let (root, folder) = folder();
        fs::write(folder.join("logs/a.log"), "said\n").unwrap();
        let archive = root.path().join("x.tar.gz");
        for limits in [Limits { within: Duration::ZERO, ..Limits::default() }, Limits { bytes: 0, ..Limits::default() }]
        {
            pack(&folder, None, &archive, limits).unwrap();
            let (names, contents) = unpacked(&archive);
            assert_eq!(names.len(), 1);
            let page = String::from_utf8(contents[&names[0]].clone()).unwrap();
            assert!(
                page.starts_with("# unknown trial: no verdict\n") && page.contains("logs/a.log: there was no "),
                "{page}"
            );
        }
    }

    #[test]
    fn an_archive_without_a_folder_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let error = pack(&root.path().join("gone"), None, &root.path().join("x"), Limits::default()).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
