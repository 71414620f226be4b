//! The supervisor against real process trees and real SIGKILL.
//!
//! The test executes itself to get a harness that it can kill: with [`ACT`] set it does not run tests, it starts a
//! supervisor and children, and waits for its end.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the acting harness talks with the test through them")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use hourglass_harness::reaper::{
    DEFAULT_GRACE, Leftover, Processes, RunFolder, RunId, Supervisor, SupervisorOptions, processes_of, sweep,
};
use libtest_mimic::{Arguments, Failed, Trial};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Names the run for which this executable acts as a harness.
const ACT: &str = "REAPER_TEST_ACT";
/// The folder that the acting harness hands to its supervisor.
const FOLDER: &str = "REAPER_TEST_FOLDER";
/// Set for an acting harness that starts no supervisor.
const UNSUPERVISED: &str = "REAPER_TEST_UNSUPERVISED";
/// Repeats the moments of an earlier run.
const SEED: &str = "REAPER_TEST_SEED";

/// What real components do to survive: groups and sessions of their own, daemons, deaf ears, endless forking.
const TREES: &[&str] = &[
    "exec sleep 1000",
    "sleep 1000 & sh -c 'sleep 1000 & wait' & wait",
    "setsid -f sleep 1000",
    "trap '' TERM; setsid sh -c 'sleep 1000 & wait' & wait",
    "while :; do sleep 0.01; done",
    "trap '' TERM HUP INT; while :; do sleep 0.01; done",
];

fn main() -> ExitCode {
    if let Ok(run) = env::var(ACT) {
        act(&run.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let tests: [(&str, fn()); 9] = [
        (
            "nothing_survives_sigkill_of_the_harness_at_any_moment",
            nothing_survives_sigkill_of_the_harness_at_any_moment,
        ),
        ("without_a_supervisor_processes_survive", without_a_supervisor_processes_survive),
        ("the_folder_of_a_killed_run_is_removed", the_folder_of_a_killed_run_is_removed),
        ("an_orderly_end_has_nothing_to_report", an_orderly_end_has_nothing_to_report),
        ("a_child_that_ignores_sigterm_is_killed_and_reported", a_child_that_ignores_sigterm_is_killed_and_reported),
        ("keep_leaves_everything_alone", keep_leaves_everything_alone),
        ("processes_of_others_are_not_touched", processes_of_others_are_not_touched),
        ("signals_do_not_end_the_supervisor", signals_do_not_end_the_supervisor),
        ("an_executable_that_is_no_supervisor_is_an_error", an_executable_that_is_no_supervisor_is_an_error),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// The proof of the promise: the harness and its process group are killed at random moments of start-up and work.
fn nothing_survives_sigkill_of_the_harness_at_any_moment() {
    let seed = env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("moments of the kill: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut started = 0;
    for round in 0..20 {
        let run = Run::new();
        let mut harness = Acting::start(&run.id, &[]);
        let moment = if round % 2 == 0 {
            Duration::from_micros(random.random_range(0..60_000))
        } else {
            harness.wait_until_supervised();
            Duration::from_micros(random.random_range(0..150_000))
        };
        // No event to wait for: the kill shall hit whatever the harness happens to be doing.
        thread::sleep(moment);
        started += harness.kill();
        let left = eventually(Duration::from_secs(2), || none(traces(&run.id)));
        assert_eq!(left, Ok(()), "survived the kill of round {round}, {moment:?} into it, {SEED}={seed}");
    }
    assert!(started >= 20, "only {started} children in 20 rounds: the harness was never killed at work");
}

/// The counter-proof: it is the supervisor that ends them, not the kill of the group.
fn without_a_supervisor_processes_survive() {
    let run = Run::new();
    let mut harness = Acting::start(&run.id, &[(UNSUPERVISED, "1")]);
    harness.wait_until_supervised();
    eventually(Duration::from_secs(20), || some(processes_of(&run.id).unwrap().len() > TREES.len())).unwrap();
    harness.kill();
    let left = processes_of(&run.id).unwrap();
    assert!(!left.is_empty(), "the kill alone ended every child, so the test of the supervisor proves nothing");
}

fn the_folder_of_a_killed_run_is_removed() {
    let run = Run::new();
    let base = tempfile::tempdir().unwrap();
    let (folder, other) = (base.path().join("runs").join(run.id.as_str()), base.path().join("runs/other"));
    for folder in [&folder, &other] {
        fs::create_dir_all(folder.join("chains/l1")).unwrap();
    }
    let mut harness = Acting::start(&run.id, &[(FOLDER, folder.to_str().unwrap())]);
    harness.wait_until_supervised();
    harness.kill();
    eventually(Duration::from_secs(20), || none(traces(&run.id))).unwrap();
    assert!(!folder.exists(), "the folder of the killed run is still there");
    assert!(other.join("chains/l1").exists(), "the folder of another run was removed");
}

fn an_orderly_end_has_nothing_to_report() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut child = run.start("exec sleep 1000");
    child.kill().unwrap();
    child.wait().unwrap();
    let report = supervisor.finish().unwrap();
    assert_eq!(report.leftovers, [], "a run that reaped its children was blamed for a leak");
    assert_eq!(traces(&run.id), [""; 0], "the supervisor outlived the orderly end");
}

fn a_child_that_ignores_sigterm_is_killed_and_reported() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut child = run.start("trap '' TERM; setsid sh -c 'echo deaf; exec sleep 1000' & wait");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "deaf\n");

    let report = supervisor.finish().unwrap();

    let signal = child.wait().unwrap().signal();
    assert_eq!(signal, Some(Signal::KILL.as_raw()), "the child ended otherwise, so the escalation was not tested");
    let pid = i32::try_from(child.id()).unwrap();
    let Leftover::Process(first) = &report.leftovers[0] else { panic!("not a process: {report:?}") };
    assert_eq!(report.leftovers.len(), 2, "the child and its daemon are both leaks: {report:?}");
    assert!(first.pid == pid && first.command.starts_with("sh -c trap"), "the leak is not described: {report:?}");
    assert_eq!(traces(&run.id), [""; 0], "a process survived the orderly end");
}

fn keep_leaves_everything_alone() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut child = run.start("exec sleep 1000");
    supervisor.keep().unwrap();
    assert!(child.try_wait().unwrap().is_none(), "a kept process was ended");
    assert_eq!(traces(&run.id).len(), 1, "more than the kept process is left: {:?}", traces(&run.id));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn processes_of_others_are_not_touched() {
    let (run, other) = (Run::new(), Run::new());
    let supervisor = supervisor(&run.id);
    let mut of_other_run = other.start("exec sleep 1000");
    let mut of_nobody = Command::new("sleep").arg("1000").spawn().unwrap();
    let mut own = run.start("exec sleep 1000");

    let report = supervisor.finish().unwrap();

    let alive = [&mut of_other_run, &mut of_nobody].map(|child| {
        let alive = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        alive
    });
    assert_eq!(alive, [true, true], "a process of another run, or of none, was ended");
    assert_eq!(own.wait().unwrap().signal(), Some(Signal::TERM.as_raw()), "the run's own process got no chance to end");
    assert_eq!(report.leftovers.len(), 1, "more than the run's own process was reported: {report:?}");
}

fn signals_do_not_end_the_supervisor() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut child = run.start("exec sleep 1000");
    let group = Pid::from_raw(i32::try_from(supervisor.pid()).unwrap()).unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        kill_process(group, signal).unwrap();
        kill_process_group(group, signal).unwrap();
    }
    // Closes the pipe without a word, as the death of the harness does.
    drop(supervisor);
    let ended = eventually(Duration::from_secs(20), || some(child.try_wait().unwrap().is_some()));
    assert_eq!(ended, Ok(()), "nobody was left to end the child");
}

fn an_executable_that_is_no_supervisor_is_an_error() {
    let options = SupervisorOptions { executable: Some("/bin/false".into()), ..SupervisorOptions::default() };
    let error = Supervisor::start(&RunId::generate(), &options).unwrap_err().to_string();
    assert!(error.contains("/bin/false was not ready (exit status: 1)"), "the message does not help: {error}");
}

/// A run of this test; whatever a failed assertion leaves behind is swept.
struct Run {
    id: RunId,
}

impl Run {
    fn new() -> Self {
        Self { id: RunId::generate() }
    }

    fn start(&self, script: &str) -> Child {
        shell(&self.id, script).stdout(Stdio::piped()).spawn().unwrap()
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

fn options() -> SupervisorOptions {
    let executable = Some(env!("CARGO_BIN_EXE_harness").into());
    SupervisorOptions { executable, grace: DEFAULT_GRACE, ..SupervisorOptions::default() }
}

fn supervisor(run: &RunId) -> Supervisor {
    Supervisor::start(run, &options()).unwrap()
}

/// What the acting harness does: a supervisor first, then children until it is killed.
fn act(run: &RunId) {
    let mut options = options();
    if let Ok(path) = env::var(FOLDER) {
        let root = Path::new(&path).parent().unwrap().to_owned();
        options.folder = Some(RunFolder { root, path: path.into() });
    }
    let _supervisor = env::var_os(UNSUPERVISED).is_none().then(|| Supervisor::start(run, &options).unwrap());
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
    // The other end of the pipe is closed by the test's own death, if nothing else.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A harness in a process group of its own, to be killed.
struct Acting {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Acting {
    fn start(run: &RunId, variables: &[(&str, &str)]) -> Self {
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

    fn wait_until_supervised(&mut self) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "supervised\n", "the acting harness did not come up");
    }

    /// Kills the whole group and returns how many children had been started by then.
    fn kill(mut self) -> usize {
        kill_process_group(Pid::from_child(&self.process), Signal::KILL).unwrap();
        self.process.wait().unwrap();
        let mut output = String::new();
        self.output.read_to_string(&mut output).unwrap();
        output.lines().filter(|line| *line == "started").count()
    }
}

/// The command lines of all processes of a run and of its supervisor, which is found by its arguments.
fn traces(run: &RunId) -> Vec<String> {
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

fn none(found: Vec<String>) -> Result<(), Vec<String>> {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn some(condition: bool) -> Result<(), ()> {
    condition.then_some(()).ok_or(())
}

/// Looks until the condition holds or the limit passes: the end of other people's processes is no event here.
fn eventually<E>(limit: Duration, mut condition: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        let last_look = Instant::now() >= deadline;
        match condition() {
            Err(_) if !last_look => thread::sleep(pause),
            result => return result,
        }
        pause = (2 * pause).min(Duration::from_millis(50));
    }
}
