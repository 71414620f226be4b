//! A sandbox for one test: folders for trials and scenarios, harnesses that run in it, and checks of what they left.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Seek as _},
    os::unix::{
        fs::FileExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use hourglass_harness::chain::AnvilSearch;
use hourglass_test_support::{LIMIT, block_on, eventually};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// The command under test.
pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
/// The longest time of any command on a busy machine.
const LONGEST: Duration = Duration::from_mins(3);
/// The folder of a test's own scenarios. It is not the default folder of scenarios.
pub(crate) const FILES: &str = "own";
const RUNS_VARIABLE: &str = "HARNESS_RUNS";

/// A sandbox for one test. Processes that its harnesses left behind are killed when it is dropped.
pub(crate) struct Sandbox {
    root: TempDir,
}

/// The path of Anvil. If it is missing it is installed before any command runs, because the message about the
/// installation appears only once and no test is about it.
pub(crate) fn anvil() -> &'static Path {
    static ANVIL: OnceLock<PathBuf> = OnceLock::new();
    ANVIL.get_or_init(|| block_on(AnvilSearch::default().find_or_install(|_| {})).unwrap().path)
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running command; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(FILES)).unwrap();
        Self { root }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder of all trials' folders.
    pub(crate) fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    /// The existing folders of trials.
    pub(crate) fn run_folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runs()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Writes a scenario file with its name, its description, and the given rest.
    pub(crate) fn scenario(&self, name: &str, rest: &str) -> PathBuf {
        self.file(&format!("{FILES}/{name}.yaml"), &format!("name: {name}\ndescription: A test's own.\n{rest}"))
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The harness with these arguments, in the folder of the project's own scenarios.
    pub(crate) fn harness<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.command(HARNESS);
        command.args(arguments);
        command
    }

    /// A program that uses this test's folders, without any variable that changes the behaviour of the harness.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env(RUNS_VARIABLE, self.runs())
            .env("HARNESS_CACHE", cache())
            .env("HARNESS_SCENARIOS", scenarios())
            .env("HARNESS_ANVIL", anvil())
            .env_remove("HARNESS_REQUIRE")
            .env_remove("RUST_LOG")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("GITHUB_WORKSPACE")
            .current_dir(self.root.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the harness with these arguments to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Outcome {
        run(&mut self.harness(arguments))
    }

    /// Runs one scenario file to its end.
    pub(crate) fn run_file(&self, path: &Path) -> Outcome {
        self.run(&[OsStr::new("run"), path.as_os_str()])
    }

    /// The command lines of all living harnesses of this test and of the processes that they started.
    pub(crate) fn processes(&self) -> Vec<String> {
        self.labelled().into_iter().map(|(pid, command)| format!("{} {command}", pid.as_raw_nonzero())).collect()
    }

    /// Signals the process of this test's harnesses whose command line has a text. There must be exactly one.
    #[track_caller]
    pub(crate) fn signal_process(&self, text: &str, signal: Signal) {
        let found: Vec<_> = self.labelled().into_iter().filter(|(_, command)| command.contains(text)).collect();
        assert_eq!(found.len(), 1, "{text:?} is no single process: {found:#?}");
        kill_process(found[0].0, signal).unwrap();
    }

    /// The environments of all living processes that a harness of this test started.
    pub(crate) fn environments(&self) -> Vec<Vec<String>> {
        let read = |(pid, _): (Pid, String)| fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok();
        let texts = self.labelled().into_iter().filter_map(read);
        let variables = |text: Vec<u8>| String::from_utf8_lossy(&text).split('\0').map(str::to_owned).collect();
        texts.map(variables).collect()
    }

    /// Signals all living harnesses of this test and the processes that they started.
    pub(crate) fn signal_all(&self, signal: Signal) {
        for (pid, _) in self.labelled() {
            // A process that has ended meanwhile cannot be signalled.
            let _ = kill_process(pid, signal);
        }
    }

    fn labelled(&self) -> Vec<(Pid, String)> {
        let label = format!("{RUNS_VARIABLE}={}", self.runs().display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let pid =
                path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let Some(pid) = pid else { continue };
            // Processes may end meanwhile, and a zombie has no environment.
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == label.as_bytes()) {
                let command = fs::read(path.join("cmdline")).unwrap_or_default();
                found.push((pid, String::from_utf8_lossy(&command).replace('\0', " ")));
            }
        }
        found
    }

    /// Asserts that no process is left, without waiting: an orderly end waits for everything that it ends.
    #[track_caller]
    pub(crate) fn assert_no_process(&self) {
        let left = self.processes();
        assert!(left.is_empty(), "the harness has ended and left behind: {left:#?}");
    }

    /// Asserts that neither a process nor a trial's folder is left.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        self.assert_no_process();
        assert_eq!(self.run_folders(), [""; 0].map(PathBuf::from), "the folder of a trial is left");
    }

    /// Waits until a log of a trial in this sandbox contains a text; returns the trial's folder.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, log: &str, text: &str) -> PathBuf {
        eventually(LIMIT, || {
            let with_text = |folder: &PathBuf| {
                fs::read_to_string(folder.join("logs").join(log)).is_ok_and(|content| content.contains(text))
            };
            self.run_folders().into_iter().find(with_text).ok_or_else(|| format!("no {log} contains {text}"))
        })
        .unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for (pid, _) in self.labelled() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "the exit code\n{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }

    /// Asserts that standard output contains all of these.
    #[track_caller]
    pub(crate) fn assert_shows(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stdout.contains(text), "{text:?} is missing on stdout\n{}\n{}", self.stdout, self.stderr);
        }
        self
    }

    /// Asserts that standard error contains all of these.
    #[track_caller]
    pub(crate) fn assert_complains(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is missing on stderr\n{}\n{}", self.stdout, self.stderr);
        }
        self
    }
}

impl Running {
    /// Starts a command in a process group of its own.
    pub(crate) fn start(command: &mut Command) -> Self {
        // Files, not pipes: a process that the harness leaves running would hold a pipe open.
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap()).process_group(0);
        Self { child: command.spawn().unwrap(), stdout, stderr }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and returns its peak memory in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let mut peak = 0;
        eventually(LONGEST, || {
            let status = fs::read_to_string(&path).unwrap_or_default();
            let peak_now = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
            // A process that has ended has no memory any more.
            let Some(kilobytes) = peak_now else { return Ok(()) };
            peak = kilobytes.parse::<u64>().unwrap() << 10;
            Err("it does not end")
        })
        .unwrap();
        peak
    }

    /// Waits until its outputs contain a text so many times, and returns both.
    #[track_caller]
    pub(crate) fn wait_for_output(&self, text: &str, times: usize, within: Duration) -> String {
        // Reading at a position leaves that of the command, which writes through the same files.
        let read = |file: &File| {
            let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
            let length = file.read_at(&mut bytes, 0).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        let both = || format!("{}{}", read(&self.stdout), read(&self.stderr));
        let shows = || {
            let shown = both();
            if shown.matches(text).count() >= times { Ok(shown) } else { Err(format!("{text:?} is missing: {shown}")) }
        };
        eventually(within, shows).unwrap()
    }

    /// Signals the whole process group, as a terminal and nextest do.
    pub(crate) fn signal_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(self) -> Outcome {
        self.finish_within(LONGEST)
    }

    #[track_caller]
    fn finish_within(mut self, within: Duration) -> Outcome {
        let status = eventually(within, || self.child.try_wait().unwrap().ok_or("it does not end")).unwrap();
        let text = |file: &mut File| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        Outcome { status, stdout: text(&mut self.stdout), stderr: text(&mut self.stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Outcome {
    run_within(command, LONGEST)
}

/// Runs a command that may take so long to its end.
#[track_caller]
pub(crate) fn run_within(command: &mut Command, within: Duration) -> Outcome {
    let outcome = Running::start(command).finish_within(within);
    assert_eq!(outcome.status.signal(), None, "it was ended by a signal\n{}\n{}", outcome.stdout, outcome.stderr);
    outcome
}

/// The cache of all tests.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// The project's scenarios.
pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").canonicalize().unwrap()
}

/// The line of a file, counted from 1, that contains a text.
pub(crate) fn line_of(path: &Path, text: &str) -> usize {
    fs::read_to_string(path).unwrap().lines().position(|line| line.contains(text)).unwrap() + 1
}
