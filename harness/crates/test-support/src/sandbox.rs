//! A sandbox for one test of the command: folders for trials and scenarios, harnesses that run in it, and checks of what they
//! left.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use hourglass_chain::AnvilSearch;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{LIMIT, Outcome, block_on, eventually, run};

/// The folder of a test's own scenarios. It is not the default folder of scenarios.
pub const FILES: &str = "own";
const RUNS_VARIABLE: &str = "HARNESS_RUNS";

/// A sandbox for one test. Processes that its harnesses left behind are killed when it is dropped.
pub struct Sandbox {
    harness: &'static str,
    root: TempDir,
}

/// The path of Anvil. If it is missing it is installed before any command runs, because the message about the
/// installation appears only once and no test is about it.
pub fn anvil() -> &'static Path {
    static ANVIL: OnceLock<PathBuf> = OnceLock::new();
    ANVIL.get_or_init(|| block_on(AnvilSearch::default().find_or_install(|_| {})).unwrap().path)
}

impl Sandbox {
    /// One for tests of this executable.
    pub fn new(harness: &'static str) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(FILES)).unwrap();
        Self { harness, root }
    }

    /// The path of something in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder of all trials' folders.
    pub fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    /// The existing folders of trials.
    pub fn run_folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runs()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Writes a scenario file with its name, its description, and the given rest.
    pub fn scenario(&self, name: &str, rest: &str) -> PathBuf {
        self.file(&format!("{FILES}/{name}.yaml"), &format!("name: {name}\ndescription: A test's own.\n{rest}"))
    }

    /// Writes a file, whose name may have folders that are there.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The harness with these arguments, in the folder of the project's own scenarios.
    pub fn harness<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.command(self.harness);
        command.args(arguments);
        command
    }

    /// A program that uses this test's folders, without any variable that changes the behaviour of the harness.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env(RUNS_VARIABLE, self.runs())
            .env("HARNESS_CACHE", test_cache(self.harness))
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
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Outcome {
        run(&mut self.harness(arguments))
    }

    /// Runs one scenario file to its end.
    pub fn run_file(&self, path: &Path) -> Outcome {
        self.run(&[OsStr::new("run"), path.as_os_str()])
    }

    /// The command lines of all living harnesses of this test and of the processes that they started.
    pub fn processes(&self) -> Vec<String> {
        self.labelled().into_iter().map(|(pid, command)| format!("{} {command}", pid.as_raw_nonzero())).collect()
    }

    /// Signals the process of this test's harnesses whose command line has a text. There must be exactly one.
    #[track_caller]
    pub fn signal_process(&self, text: &str, signal: Signal) {
        let found: Vec<_> = self.labelled().into_iter().filter(|(_, command)| command.contains(text)).collect();
        assert_eq!(found.len(), 1, "{text:?} is no single process: {found:#?}");
        kill_process(found[0].0, signal).unwrap();
    }

    /// The environments of all living processes that a harness of this test started.
    pub fn environments(&self) -> Vec<Vec<String>> {
        let read = |(pid, _): (Pid, String)| fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok();
        let texts = self.labelled().into_iter().filter_map(read);
        let variables = |text: Vec<u8>| String::from_utf8_lossy(&text).split('\0').map(str::to_owned).collect();
        texts.map(variables).collect()
    }

    /// Signals all living harnesses of this test and the processes that they started.
    pub fn signal_all(&self, signal: Signal) {
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
    pub fn assert_no_process(&self) {
        let left = self.processes();
        assert!(left.is_empty(), "the harness has ended and left behind: {left:#?}");
    }

    /// Asserts that neither a process nor a trial's folder is left.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        self.assert_no_process();
        assert_eq!(self.run_folders(), [""; 0].map(PathBuf::from), "the folder of a trial is left");
    }

    /// Waits until a log of a trial in this sandbox contains a text; returns the trial's folder.
    #[track_caller]
    pub fn wait_for_log(&self, log: &str, text: &str) -> PathBuf {
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

/// The cache of all tests of this executable, which lies in its profile's folder below the target folder.
pub fn test_cache(harness: &str) -> PathBuf {
    let target = Path::new(harness).ancestors().nth(2).unwrap();
    target.join("tmp/cache")
}

/// The project's scenarios.
pub fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios").canonicalize().unwrap()
}

/// The line of a file, counted from 1, that contains a text.
pub fn line_of(path: &Path, text: &str) -> usize {
    fs::read_to_string(path).unwrap().lines().position(|line| line.contains(text)).unwrap() + 1
}
