//! The harness that is killed: this test's executable once more, with a supervisor and children.
#![expect(clippy::print_stdout, reason = "it talks with the test through it")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hourglass_harness::{
    engine::EngineAddress,
    reaper::{DEFAULT_GRACE, Processes, RunFolder, RunId, Supervisor, SupervisorOptions, processes_of, sweep},
};
use rustix::process::{Pid, Signal, kill_process_group};

/// Names the run for which this executable acts as a harness.
pub(crate) const ACT: &str = "REAPER_TEST_ACT";
/// The folder that the acting harness hands to its supervisor.
pub(crate) const FOLDER: &str = "REAPER_TEST_FOLDER";
/// The engine that the acting harness hands to its supervisor.
pub(crate) const ENGINE: &str = "REAPER_TEST_ENGINE";
/// Set for an acting harness that is killed after the last sweep, before it has removed the folder.
pub(crate) const SWEPT: &str = "REAPER_TEST_SWEPT";
/// Set for an acting harness that starts no supervisor.
pub(crate) const UNSUPERVISED: &str = "REAPER_TEST_UNSUPERVISED";

/// Means by which real components survive: their own groups and sessions, daemons, ignored signals, endless forking.
pub(crate) const TREES: &[&str] = &[
    "exec sleep 1000",
    "sleep 1000 & sh -c 'sleep 1000 & wait' & wait",
    "setsid -f sleep 1000",
    "trap '' TERM; setsid sh -c 'sleep 1000 & wait' & wait",
    "while :; do sleep 0.01; done",
    "trap '' TERM HUP INT; while :; do sleep 0.01; done",
];

/// A run of this test. The processes that a failed assertion leaves behind are swept.
pub(crate) struct Run {
    pub(crate) id: RunId,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { id: RunId::generate() }
    }

    pub(crate) fn start(&self, script: &str) -> Child {
        shell(&self.id, script).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Like [`Self::start`], but through the harness, so that the shell adopts the orphans among its descendants.
    pub(crate) fn adopting(&self, script: &str) -> Child {
        let (name, value) = self.id.label();
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.args(["adopt", "--", "sh", "-c", script]).env(name, value).stdin(Stdio::null());
        command.stdout(Stdio::piped()).spawn().unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = sweep(&self.id, &[&Processes { grace: Duration::ZERO }]);
    }
}

fn shell(run: &RunId, script: &str) -> Command {
    let (name, value) = run.label();
    let mut command = Command::new("sh");
    command.args(["-c", script]).env(name, value).stdin(Stdio::null());
    command
}

pub(crate) fn options() -> SupervisorOptions {
    let executable = Some(env!("CARGO_BIN_EXE_harness").into());
    SupervisorOptions { executable, grace: DEFAULT_GRACE, ..SupervisorOptions::default() }
}

pub(crate) fn supervisor(run: &RunId) -> Supervisor {
    Supervisor::start(run, &options()).unwrap()
}

/// The acting harness: it starts a supervisor first, then children until it is killed.
pub(crate) fn act(run: &RunId) {
    let mut options = options();
    if let Ok(path) = env::var(FOLDER) {
        let root = Path::new(&path).parent().unwrap().to_owned();
        options.folder = Some(RunFolder { root, path: path.into() });
    }
    options.targets.engine = env::var(ENGINE).ok().map(|address| EngineAddress::parse(&address));
    let supervisor = env::var_os(UNSUPERVISED).is_none().then(|| Supervisor::start(run, &options).unwrap());
    if env::var_os(SWEPT).is_some() {
        let _held = supervisor.unwrap().sweep().unwrap();
        println!("supervised");
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    println!("supervised");
    let mut children = Vec::new();
    for (count, script) in TREES.iter().cycle().take(4 * TREES.len()).enumerate() {
        let mut command = shell(run, script);
        if count % 2 == 0 {
            command.process_group(0);
        }
        children.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        println!("started");
    }
    // The other end of the pipe is closed at the latest by the test's own end.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A harness in a process group of its own, to be killed.
pub(crate) struct Acting {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Acting {
    pub(crate) fn start(run: &RunId, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .env(ACT, run.as_str())
            .envs(variables.iter().copied())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    pub(crate) fn wait_until_supervised(&mut self) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "supervised\n", "the acting harness did not come up");
    }

    /// Kills the whole group and returns how many children had been started by then.
    pub(crate) fn kill(mut self) -> usize {
        kill_process_group(Pid::from_child(&self.process), Signal::KILL).unwrap();
        self.process.wait().unwrap();
        let mut output = String::new();
        self.output.read_to_string(&mut output).unwrap();
        output.lines().filter(|line| *line == "started").count()
    }
}

/// The command lines of all processes of a run and of its supervisor, which is found by its arguments.
pub(crate) fn traces(run: &RunId) -> Vec<String> {
    let mut traces: Vec<_> = processes_of(run).unwrap().into_iter().map(|process| process.command).collect();
    for entry in fs::read_dir("/proc").unwrap() {
        let arguments = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&arguments).replace('\0', " ");
        if command.contains(run.as_str()) {
            traces.push(command);
        }
    }
    traces
}

pub(crate) fn none(found: Vec<String>) -> Result<(), Vec<String>> {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

pub(crate) fn some(condition: bool) -> Result<(), ()> {
    condition.then_some(()).ok_or(())
}
