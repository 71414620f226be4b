//! Commands that a test runs as users, shells and CI run them, with their outputs and how they ended.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _},
    os::unix::{
        fs::FileExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::eventually;

/// The longest time of any command on a busy machine.
const LONGEST: Duration = Duration::from_mins(3);

/// The result of a command.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

/// A running command; killed when it is dropped.
pub struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Outcome {
    /// Asserts that it ended with this exit code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "the exit code\n{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }

    /// Asserts that standard output contains all of these.
    #[track_caller]
    pub fn assert_shows(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stdout.contains(text), "{text:?} is missing on stdout\n{}\n{}", self.stdout, self.stderr);
        }
        self
    }

    /// Asserts that standard error contains all of these.
    #[track_caller]
    pub fn assert_complains(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is missing on stderr\n{}\n{}", self.stdout, self.stderr);
        }
        self
    }
}

impl Running {
    /// Starts a command in a process group of its own.
    pub fn start(command: &mut Command) -> Self {
        // Files, not pipes: a process that the harness leaves running would hold a pipe open.
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap()).process_group(0);
        Self { child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Signals the command alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and returns its peak memory in bytes.
    pub fn peak_memory(&self) -> u64 {
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
    pub fn wait_for_output(&self, text: &str, times: usize, within: Duration) -> String {
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
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(self) -> Outcome {
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
pub fn run(command: &mut Command) -> Outcome {
    run_within(command, LONGEST)
}

/// Runs a command that may take so long to its end.
#[track_caller]
pub fn run_within(command: &mut Command, within: Duration) -> Outcome {
    let outcome = Running::start(command).finish_within(within);
    assert_eq!(outcome.status.signal(), None, "it was ended by a signal\n{}\n{}", outcome.stdout, outcome.stderr);
    outcome
}
