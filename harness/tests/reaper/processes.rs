//! Real process trees and real SIGKILL.
#![expect(clippy::print_stderr, reason = "moments of kills are said so that they can be repeated")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::Duration,
};

use hourglass_harness::reaper::{LeakedResource, ReaperError, RunId, Supervisor, SupervisorOptions, processes_of};
use hourglass_test_support::{Test, eventually, tests};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::acting::{Acting, FOLDER, Run, SWEPT, TREES, UNSUPERVISED, none, options, some, supervisor, traces};

/// Repeats the moments of an earlier run.
const SEED: &str = "REAPER_TEST_SEED";

/// The tests of this file.
pub(crate) fn tests() -> [Test; 18] {
    tests![
        nothing_survives_sigkill_of_the_harness_at_any_moment,
        without_a_supervisor_processes_survive,
        the_folder_of_a_killed_run_is_removed,
        the_folder_of_a_run_that_is_killed_at_its_end_is_removed,
        orderly_end_has_nothing_to_report,
        a_child_that_ignores_sigterm_is_killed_and_reported,
        process_without_its_environment_is_ended_with_its_parent,
        daemons_that_restart_themselves_are_ended,
        the_supervisor_of_another_run_is_not_ended,
        keep_ends_nothing,
        foreign_processes_are_not_touched,
        signals_do_not_end_the_supervisor,
        stopped_supervisor_is_replaced_by_a_sweep,
        stopped_supervisor_is_detached,
        an_answer_without_end_is_an_error,
        slow_answer_exceeds_the_limit,
        silent_supervisor_is_killed,
        an_executable_that_is_no_supervisor_is_an_error,
    ]
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
        // There is no event to wait for: the kill must hit the harness in any state.
        thread::sleep(moment);
        started += harness.kill();
        let left = eventually(Duration::from_secs(2), || none(traces(&run.id)));
        assert_eq!(left, Ok(()), "survived the kill of round {round}, {moment:?} into it, {SEED}={seed}");
    }
    assert!(started >= 20, "only {started} children in 20 rounds: the harness was never killed at work");
}

/// The counter-proof: the supervisor ends them, not the kill of the group.
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
    folder_is_removed(&[]);
}

/// Otherwise a kill in the last moment would leave the folder of a trial that passed.
fn the_folder_of_a_run_that_is_killed_at_its_end_is_removed() {
    folder_is_removed(&[(SWEPT, "1")]);
}

fn folder_is_removed(variables: &[(&str, &str)]) {
    let run = Run::new();
    let base = tempfile::tempdir().unwrap();
    let (folder, other) = (base.path().join("runs").join(run.id.as_str()), base.path().join("runs/other"));
    for folder in [&folder, &other] {
        fs::create_dir_all(folder.join("chains/l1")).unwrap();
    }
    let variables = [variables, &[(FOLDER, folder.to_str().unwrap())]].concat();
    let mut harness = Acting::start(&run.id, &variables);
    harness.wait_until_supervised();
    harness.kill();
    eventually(Duration::from_secs(20), || none(traces(&run.id))).unwrap();
    assert!(!folder.exists(), "the folder of the killed run is still there");
    assert!(other.join("chains/l1").exists(), "the folder of another run was removed");
}

fn orderly_end_has_nothing_to_report() {
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
    let mut child = run.start("trap '' TERM; setsid sh -c 'echo deaf; exec sleep 1000' & wait; exec sleep 1000");
    assert_eq!(first_line(&mut child), "deaf\n");

    let report = supervisor.finish().unwrap();

    let signal = child.wait().unwrap().signal();
    assert_eq!(signal, Some(Signal::KILL.as_raw()), "the child ended otherwise, so the escalation was not tested");
    let pid = i32::try_from(child.id()).unwrap();
    let LeakedResource::Process(first) = &report.leftovers[0] else { panic!("not a process: {report:?}") };
    assert_eq!(report.leftovers.len(), 2, "the child and its daemon are both leaks: {report:?}");
    assert!(first.pid == pid && first.command.starts_with("sh -c trap"), "the leak is not described: {report:?}");
    assert_eq!(traces(&run.id), [""; 0], "a process survived the orderly end");
}

/// A daemon without label, session and parent is found below the component that has adopted it.
fn process_without_its_environment_is_ended_with_its_parent() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut adopting = run.adopting("env -i setsid -f sleep 4321; echo forked; exec sleep 1000");
    assert_eq!(first_line(&mut adopting), "forked\n");

    let report = supervisor.finish().unwrap();

    let told: Vec<_> = report.leftovers.iter().map(ToString::to_string).collect();
    let daemon = told.iter().find(|told| told.contains("(sleep 4321)")).unwrap_or_else(|| panic!("{told:?}"));
    let pid = daemon.split_whitespace().nth(1).unwrap();
    assert!(!Path::new("/proc").join(pid).join("exe").exists(), "told and not ended: {daemon}");
    adopting.wait().unwrap();
}

/// Each lives for some milliseconds and starts another one, so that a process that was seen is gone when it should be
/// ended.
fn daemons_that_restart_themselves_are_ended() {
    let (run, folder) = (Run::new(), tempfile::tempdir().unwrap());
    let script = folder.path().join("hop.sh");
    let (path, file) = (env::var("PATH").unwrap(), script.display());
    fs::write(&script, format!("trap '' TERM\nPATH={path}\nsleep 0.01\nenv -i setsid -f sh {file}\n")).unwrap();
    let hopping = || {
        let commands = fs::read_dir("/proc").unwrap().map(|entry| fs::read(entry.unwrap().path().join("cmdline")));
        let commands = commands.map(|command| String::from_utf8_lossy(&command.unwrap_or_default()).into_owned());
        commands.filter(|command| command.contains(script.to_str().unwrap())).collect::<Vec<_>>()
    };
    let supervisor = supervisor(&run.id);
    let mut adopting = run.adopting(&format!("env -i setsid -f sh {file}; echo forked; exec sleep 1000"));
    assert_eq!(first_line(&mut adopting), "forked\n");

    // The end of the harness does the same.
    drop(supervisor);

    adopting.wait().unwrap();
    eventually(Duration::from_secs(20), || none(traces(&run.id))).unwrap();
    // A process is not seen at the moment in which it starts its successor.
    for _ in 0..20 {
        assert_eq!(hopping(), [""; 0], "some got away");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A component that is itself a harness has a supervisor below it, which ends what that harness has started.
fn the_supervisor_of_another_run_is_not_ended() {
    let (outer, inner) = (Run::new(), Run::new());
    let supervisor = supervisor(&outer.id);
    let mut inner_harness = Acting::start(&inner.id, &[(outer.id.label().0, outer.id.as_str())]);
    inner_harness.wait_until_supervised();

    let report = supervisor.finish().unwrap();

    let told: Vec<_> = report.leftovers.iter().map(ToString::to_string).collect();
    assert!(!told.iter().any(|told| told.contains(" supervise ")), "the other run's supervisor was ended: {told:?}");
    let left = eventually(Duration::from_secs(20), || none(traces(&inner.id)));
    assert_eq!(left, Ok(()), "the other run's supervisor did not do its work");
    inner_harness.kill();
}

fn keep_ends_nothing() {
    let run = Run::new();
    let supervisor = supervisor(&run.id);
    let mut child = run.start("exec sleep 1000");
    supervisor.keep().unwrap();
    assert!(child.try_wait().unwrap().is_none(), "a kept process was ended");
    assert_eq!(traces(&run.id).len(), 1, "more than the kept process is left: {:?}", traces(&run.id));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line
}

fn foreign_processes_are_not_touched() {
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
    // Closes the pipe without a message, as the end of the harness does.
    drop(supervisor);
    let ended = eventually(Duration::from_secs(20), || some(child.try_wait().unwrap().is_some()));
    assert_eq!(ended, Ok(()), "nobody was left to end the child");
}

/// A stopped supervisor of a run, with a short time limit for its answer.
fn standing_still(run: &Run) -> (Supervisor, Pid) {
    let options = SupervisorOptions { answer_within: Duration::from_millis(300), ..options() };
    let supervisor = Supervisor::start(&run.id, &options).unwrap();
    let pid = Pid::from_raw(i32::try_from(supervisor.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    (supervisor, pid)
}

#[track_caller]
fn assert_silent(error: &ReaperError, pid: Pid) {
    assert!(matches!(error, ReaperError::SupervisorSilent { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("did not answer within 300ms") && text.contains(&pid.to_string()), "{text}");
    assert!(test_kill_process(pid).is_err(), "the supervisor was left standing");
}

/// Otherwise a harness waits forever for a supervisor that somebody has stopped.
fn stopped_supervisor_is_replaced_by_a_sweep() {
    let run = Run::new();
    let (supervisor, pid) = standing_still(&run);
    let mut child = run.start("exec sleep 1000");
    assert_silent(&supervisor.finish().unwrap_err(), pid);
    assert!(child.try_wait().unwrap().is_some(), "nobody has swept");
}

/// Kept processes stay, and the supervisor that would sweep them once it continues does not.
fn stopped_supervisor_is_detached() {
    let run = Run::new();
    let (supervisor, pid) = standing_still(&run);
    let mut child = run.start("exec sleep 1000");
    assert_silent(&supervisor.keep().unwrap_err(), pid);
    assert!(child.try_wait().unwrap().is_none(), "what was to be kept was ended");
}

fn an_executable_that_is_no_supervisor_is_an_error() {
    let options = SupervisorOptions { executable: Some("/bin/false".into()), ..SupervisorOptions::default() };
    let error = Supervisor::start(&RunId::generate(), &options).unwrap_err().to_string();
    assert!(error.contains("/bin/false was not ready (exit status: 1)"), "the message does not help: {error}");
}

/// Written by another process: a parallel test may pass a file that this process has open for writing to a process that
/// it starts, and then the script cannot be run.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("harness");
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod +x "$0""#]).arg(&path).arg(text);
    assert!(shell.status().unwrap().success());
    path
}

/// The executable named as the harness may be any program.
fn an_answer_without_end_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let executable = Some(script(folder.path(), "exec cat /dev/zero"));
    let error = Supervisor::start(&RunId::generate(), &SupervisorOptions { executable, ..options() }).unwrap_err();
    let ReaperError::Conversation { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("more than 16777216 bytes"), "{source}");
}

/// The time limit is for the whole answer, not for each character.
fn slow_answer_exceeds_the_limit() {
    let run = Run::new();
    let folder = tempfile::tempdir().unwrap();
    let text = "echo ready; while printf x; do sleep 0.02; done";
    let executable = Some(script(folder.path(), text));
    let options = SupervisorOptions { executable, answer_within: Duration::from_millis(300), ..options() };
    let supervisor = Supervisor::start(&run.id, &options).unwrap();
    let pid = Pid::from_raw(i32::try_from(supervisor.pid()).unwrap()).unwrap();
    assert_silent(&supervisor.finish().unwrap_err(), pid);
}

/// A supervisor that closes its output but does not end must not be waited for.
fn silent_supervisor_is_killed() {
    let run = Run::new();
    let folder = tempfile::tempdir().unwrap();
    let executable = Some(script(folder.path(), "echo ready; exec >&-; exec sleep 1000"));
    let options = SupervisorOptions { executable, answer_within: Duration::from_millis(300), ..options() };
    let supervisor = Supervisor::start(&run.id, &options).unwrap();
    let pid = Pid::from_raw(i32::try_from(supervisor.pid()).unwrap()).unwrap();
    let mut child = run.start("exec sleep 1000");
    assert_silent(&supervisor.finish().unwrap_err(), pid);
    assert!(child.try_wait().unwrap().is_some(), "nobody has swept");
}
