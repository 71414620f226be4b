//! The destinations of reports: determined before the trials, so that nobody waits an hour for a report that cannot be
//! written.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::ReportError;

/// The path that means standard output.
pub(super) const OUTPUT: &str = "-";
/// Other names of standard output on this system.
const OUTPUTS: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// The number of successive links that Linux follows.
const LINKS: usize = 40;

/// The destination of a report.
#[derive(Debug)]
pub struct Target {
    /// The path as given.
    path: PathBuf,
    destination: Destination,
}

#[derive(Debug)]
enum Destination {
    /// A file that is replaced in one step, so that no reader sees a partial one.
    Whole(PathBuf),
    /// A file in a folder that accepts no other file.
    Direct(PathBuf),
    /// A pipe, a device, or a file that another program has opened for this one; it is not replaced.
    Stream(File),
    /// Standard output, or the same file.
    Output,
    /// Standard error, or the same file.
    Errors,
}

impl Target {
    /// Determines where `path` leads, creates the missing parent folders, and checks that a report can be written
    /// there. The name of a YAML file is refused: `--json square.yaml` means a scenario, which would be gone.
    pub fn prepare(path: &Path) -> Result<Self, ReportError> {
        Self::prepare_beside(path, &[])
    }

    /// The same, unless the report would replace one of these scenario files, which are read.
    pub fn prepare_beside(path: &Path, scenarios: &[&Path]) -> Result<Self, ReportError> {
        if (path == Path::new(OUTPUT) || OUTPUTS.iter().any(|name| path == Path::new(name))) && is_closed(&io::stdout())
        {
            return Err(ReportError::Closed { path: path.to_owned() });
        }
        let destination = if path == Path::new(OUTPUT) { Destination::Output } else { destination_of(path)? };
        let target = Self { path: path.to_owned(), destination };
        if let Some(scenario) = scenarios.iter().find(|scenario| target.is_file(scenario)) {
            return Err(ReportError::Scenario { path: path.to_owned(), scenario: scenario.to_path_buf() });
        }
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            return Err(ReportError::Destination { path: path.to_owned(), reason: "it is the name of a YAML file" });
        }
        Ok(target)
    }

    /// Whether the report goes to standard output, which then must receive nothing else.
    pub fn is_output(&self) -> bool {
        matches!(self.destination, Destination::Output)
    }

    /// The folder of the file, from the root; `None` if the report goes elsewhere than to a file.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        match &self.destination {
            Destination::Whole(path) | Destination::Direct(path) => fs::canonicalize(
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
            )
            .ok(),
            Destination::Stream(_) | Destination::Output | Destination::Errors => None,
        }
    }

    /// Whether the report would replace this file.
    fn is_file(&self, file: &Path) -> bool {
        match &self.destination {
            Destination::Whole(path) | Destination::Direct(path) => is_same(fs::metadata(path), fs::metadata(file)),
            Destination::Stream(stream) => is_same(stream.metadata(), fs::metadata(file)),
            Destination::Output | Destination::Errors => false,
        }
    }

    /// Fails if both are the same file: the second report would replace the first, or be mixed with it.
    pub fn differs_from(&self, other: &Self) -> Result<(), ReportError> {
        let same = match (&self.destination, &other.destination) {
            (
                Destination::Whole(one) | Destination::Direct(one),
                Destination::Whole(two) | Destination::Direct(two),
            ) => one == two || is_same(fs::metadata(one), fs::metadata(two)),
            (Destination::Stream(one), Destination::Stream(two)) => is_same(one.metadata(), two.metadata()),
            (Destination::Output, Destination::Output) | (Destination::Errors, Destination::Errors) => true,
            _ => false,
        };
        if same { Err(ReportError::Twice { path: self.path.clone(), other: other.path.clone() }) } else { Ok(()) }
    }

    /// Writes the report.
    pub fn write(&self, contents: &[u8]) -> Result<(), ReportError> {
        let written = match &self.destination {
            Destination::Whole(path) => replace(path, contents),
            Destination::Direct(path) => fs::write(path, contents),
            Destination::Stream(file) => (&mut &*file).write_all(contents),
            Destination::Output => {
                let mut output = io::stdout();
                output.write_all(contents).and_then(|()| output.flush())
            }
            Destination::Errors => io::stderr().lock().write_all(contents),
        };
        written.map_err(|source| ReportError::Write { path: self.path.clone(), source })
    }

    /// The error of a report that cannot be represented in its format.
    pub(super) fn unrenderable(&self, source: impl std::error::Error + Send + Sync + 'static) -> ReportError {
        ReportError::Render { path: self.path.clone(), source: Box::new(source) }
    }
}

fn destination_of(path: &Path) -> Result<Destination, ReportError> {
    let refuse = |reason| Err(ReportError::Destination { path: path.to_owned(), reason });
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    if path.as_os_str().is_empty() {
        return refuse("the path is empty");
    }
    if let Some(Component::Normal(first)) = path.components().next()
        && first.as_encoded_bytes().starts_with(b"~")
        && fs::symlink_metadata(first).is_err()
    {
        return refuse("it begins with `~`, which only shells replace, and only where a word begins");
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return refuse("it is a folder"),
        Ok(metadata) => {
            if let Some(destination) = opened(path, &metadata).map_err(failed)? {
                return Ok(destination);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return refuse("it names a folder");
    }
    file(path).map_err(failed)
}

/// A destination that is not a regular file in a folder.
fn opened(path: &Path, metadata: &Metadata) -> io::Result<Option<Destination>> {
    let is = |other: io::Result<Metadata>| other.is_ok_and(|other| is_one(metadata, &other));
    // Every path to the null device is the same; other output there does no harm.
    if metadata.file_type().is_char_device() && is(fs::metadata("/dev/null")) {
        return Ok(Some(Destination::Stream(OpenOptions::new().write(true).open(path)?)));
    }
    if is(metadata_of(&io::stdout())) {
        return Ok(Some(Destination::Output));
    }
    if is(metadata_of(&io::stderr())) {
        return Ok(Some(Destination::Errors));
    }
    // A file that another program has opened and passed on, as `/dev/fd/3`, may be a log with other content.
    let folder = fs::canonicalize(folder_of(path))?;
    if metadata.is_file() && !folder.starts_with("/proc") {
        return Ok(None);
    }
    // Opened without waiting for the reader of a pipe; writing waits for the reader.
    let flags = OFlags::NONBLOCK.bits().try_into().unwrap_or_default();
    let file = OpenOptions::new().append(true).custom_flags(flags).open(path)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(Some(Destination::Stream(file)))
}

fn file(path: &Path) -> io::Result<Destination> {
    // A link is followed, not replaced.
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    let folder = folder_of(&path);
    fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let whole = fs::canonicalize(folder)?.join(name);
    match temporary(&whole) {
        Ok(_) => Ok(Destination::Whole(whole)),
        Err(error) => match OpenOptions::new().write(true).open(&whole) {
            Ok(_) => Ok(Destination::Direct(whole)),
            Err(_) => Err(error),
        },
    }
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = temporary(path)?;
    file.write_all(contents)?;
    file.persist(path)?;
    Ok(())
}

/// A temporary file next to this one, which replaces it or is removed.
fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    // Readable by others like any new file, as far as the umask allows.
    let permissions = Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".report-").permissions(permissions).tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn metadata_of(stream: &impl std::os::fd::AsFd) -> io::Result<Metadata> {
    File::from(stream.as_fd().try_clone_to_owned()?).metadata()
}

/// Whether a standard stream was closed when this process began. Rust then opens `/dev/null` in its place, for reading
/// and writing; a shell that redirects a stream there opens it for writing only.
fn is_closed(stream: &impl std::os::fd::AsFd) -> bool {
    let is_null = || metadata_of(stream).ok().zip(fs::metadata("/dev/null").ok());
    fcntl_getfl(stream).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
        && is_null().is_some_and(|(stream, null)| stream.file_type().is_char_device() && stream.rdev() == null.rdev())
}

fn is_same(one: io::Result<Metadata>, other: io::Result<Metadata>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if is_one(&one, &other))
}

fn is_one(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, os::unix::fs::symlink, process::Command};

    use super::*;

    fn write(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
        Target::prepare(path)?.write(contents)
    }

    #[test]
    fn folders_are_made_and_an_older_report_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b/report.xml");
        write(&path, b"old and longer").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "a temporary file was left beside the report");
    }

    #[test]
    fn the_target_of_a_link_is_replaced_and_not_the_link() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::write(at("target"), "old").unwrap();
        symlink(at("target"), at("link")).unwrap();
        symlink("link", at("link to the link")).unwrap();
        symlink("folder/new", at("link to nothing")).unwrap();
        for (link, target) in [("link", "target"), ("link to the link", "target"), ("link to nothing", "folder/new")] {
            write(&at(link), link.as_bytes()).unwrap();
            assert!(at(link).is_symlink(), "the link was replaced by a file");
            assert_eq!(fs::read(at(target)).unwrap(), link.as_bytes());
        }
    }

    /// The reader of a pipe gets the report, and the pipe stays.
    #[test]
    fn a_pipe_is_written_to() {
        let base = tempfile::tempdir().unwrap();
        let pipe = base.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let error = Target::prepare(&pipe).unwrap_err();
        assert!(error.source().is_some(), "nobody would read the report: {error}");
        let seen = base.path().join("seen");
        let mut reader = Command::new("cat").arg(&pipe).stdout(File::create(&seen).unwrap()).spawn().unwrap();
        let target = loop {
            if let Ok(target) = Target::prepare(&pipe) {
                break target;
            }
            std::thread::yield_now();
        };
        // More than a pipe holds: writing waits for the reader.
        let report = vec![b'x'; 1 << 20];
        target.write(&report).unwrap();
        drop(target);
        reader.wait().unwrap();
        let seen = fs::read(&seen).unwrap();
        assert!(seen == report, "{} bytes arrived", seen.len());
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "the pipe was replaced");
    }

    /// A report does not replace a log that somebody has opened.
    #[test]
    fn an_open_file_is_appended_to() {
        use std::os::fd::AsRawFd as _;

        let base = tempfile::tempdir().unwrap();
        let log = base.path().join("log");
        fs::write(&log, "earlier\n").unwrap();
        let open = OpenOptions::new().append(true).open(&log).unwrap();
        for folder in ["/proc/self/fd", "/dev/fd"] {
            write(&Path::new(folder).join(open.as_raw_fd().to_string()), b"report\n").unwrap();
        }
        assert_eq!(fs::read_to_string(&log).unwrap(), "earlier\nreport\nreport\n");
        assert!(is_same(open.metadata(), fs::metadata(&log)), "the file was replaced");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        symlink("loop", base.path().join("loop")).unwrap();
        for path in ["file/report.xml", "loop", "loop/report.xml", "/proc/nope/report.xml"] {
            let path = base.path().join(path);
            let error = Target::prepare(&path).unwrap_err();
            assert_eq!(error.to_string(), format!("failed to write the report {}", path.display()));
            assert!(error.source().is_some(), "the cause is lost");
        }
        for path in
            [base.path().to_owned(), base.path().join("new/"), PathBuf::new(), "~/report.xml".into(), "~me/r".into()]
        {
            let error = Target::prepare(&path).unwrap_err();
            assert!(matches!(error, ReportError::Destination { .. }), "{error:?}");
        }
        assert!(!Path::new("~").exists() && !base.path().join("new").exists(), "a folder was made of a mistake");
    }

    /// A scenario that is not among the selected ones, or the project file, must not be gone either.
    #[test]
    fn a_yaml_file_is_no_report() {
        let base = tempfile::tempdir().unwrap();
        for name in ["square.yaml", "square.yml"] {
            let path = base.path().join(name);
            fs::write(&path, "name: square").unwrap();
            let error = Target::prepare(&path).unwrap_err();
            assert!(matches!(error, ReportError::Destination { .. }), "{error:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "name: square");
        }
        Target::prepare(&base.path().join("yaml")).unwrap();
    }

    /// Two reports must not go to one file.
    #[rstest::rstest]
    #[case("r", "r", true)]
    #[case("r", "./r", true)]
    #[case("r", "there/../r", true)]
    #[case("r", "link", true)]
    #[case("r", "there/link", true)]
    #[case("existing", "hard", true)]
    #[case("dangling", "not/yet", true)]
    #[case("r", "there/r", false)]
    #[case("existing", "r", false)]
    fn two_reports_must_not_share_a_file(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::create_dir(at("there")).unwrap();
        fs::write(at("existing"), "").unwrap();
        fs::hard_link(at("existing"), at("hard")).unwrap();
        symlink("r", at("link")).unwrap();
        symlink("../r", at("there/link")).unwrap();
        symlink("not/yet", at("dangling")).unwrap();
        let (one, other) = (Target::prepare(&at(one)).unwrap(), Target::prepare(&at(other)).unwrap());
        assert_eq!(one.differs_from(&other).is_err(), same);
        let output = || Target::prepare(Path::new(OUTPUT)).unwrap();
        assert!(output().is_output() && output().differs_from(&output()).is_err());
    }
}
