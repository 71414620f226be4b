//! `harness watch`: what a changed file touches runs, and nothing else.

use std::{fs, io::Write as _, path::Path, process::Command, time::Duration};

use hourglass_base::on_path;
use hourglass_test_support::{LIMIT, Running, Sandbox};
use rustix::process::Signal;

use crate::HARNESS;

/// How long the first run may take, which downloads what the performer needs.
const FIRST: Duration = Duration::from_mins(10);
/// How long each further run may take on a busy machine.
const RUN: Duration = Duration::from_mins(3);
/// The end of the output of a run.
const SUMMARY: &str = "Summary ";

/// The harness watches a folder, whose project says where scenarios are.
fn watch(sandbox: &Sandbox, folder: &Path, words: &[&str]) -> Running {
    let mut command: Command = sandbox.harness(&[&["watch"], words].concat());
    Running::start(command.env_remove("HARNESS_SCENARIOS").current_dir(folder))
}

/// Replaces a file at once, as editors do. A file that is written is empty for a moment, in which a busy machine may look at it.
fn replace(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file.persist(path).unwrap();
}

/// What was shown since the last time.
fn since(all: &str, before: &str) -> String {
    let lines: Vec<_> = before.lines().collect();
    all.lines().filter(|line| !lines.contains(line)).flat_map(|line| [line, "\n"]).collect()
}

/// A day with a new project: a scenario is changed, broken and mended, and then the performer is changed.
#[test]
fn changed_files_run_what_they_touch() {
    if on_path("npm").is_none() {
        eprintln!("left out: npm is not in PATH");
        return;
    }
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path("new");
    sandbox.run(&["init", "--lang", "js", folder.to_str().unwrap()]).assert_code(0);
    let scenario = folder.join("scenarios/answers.yaml");
    let good = fs::read_to_string(&scenario).unwrap();

    let harness = watch(&sandbox, &folder, &[]);
    let begun = harness.wait_for_output("watching 3 scenarios; Ctrl-C ends it", 1, LIMIT);
    assert!(!begun.contains(SUMMARY), "nothing has changed: {begun}");

    replace(&scenario, format!("{good}# Changed.\n"));
    let first = harness.wait_for_output(SUMMARY, 1, FIRST);
    assert!(first.contains("changed  scenarios/answers.yaml; runs answers\n"), "{first}");
    assert!(first.contains("PASS  process::answers"), "{first}");
    for other in ["executors_down", "payloads"] {
        assert!(!first.contains(other), "{other} was not touched: {first}");
    }
    harness.wait_for_output("watching 3 scenarios; Ctrl-C ends it", 2, LIMIT);

    // Files that editors write beside it, and what `.gitignore` of the performer names, touch nothing.
    fs::write(folder.join("performer/.performer.js.swp"), "x").unwrap();
    replace(&scenario, good.replace("expect_verified", "expect_verifed"));
    let broken = harness.wait_for_output("unknown key `expect_verifed`", 1, LIMIT);
    let told = since(&broken, &first);
    assert!(told.contains("changed  scenarios/answers.yaml\n"), "{told}");
    assert!(told.contains("did you mean `expect_verified`?"), "{told}");
    assert_eq!(broken.matches(SUMMARY).count(), 1, "{broken}");

    replace(&scenario, &good);
    let mended = harness.wait_for_output(SUMMARY, 2, RUN);
    assert_eq!(mended.matches("runs answers\n").count(), 2, "{mended}");
    assert!(!mended.contains("payloads"), "{mended}");
    harness.wait_for_output("watching 3 scenarios; Ctrl-C ends it", 3, LIMIT);

    let performer = folder.join("performer/performer.js");
    let source = fs::read_to_string(&performer).unwrap();
    replace(&performer, format!("{source}\n// Changed.\n"));
    let all = harness.wait_for_output(SUMMARY, 3, RUN);
    let told = since(&all, &mended);
    assert!(told.contains("changed  performer/performer.js; runs answers, executors_down, payloads\n"), "{told}");

    harness.wait_for_output("watching 3 scenarios; Ctrl-C ends it", 4, LIMIT);
    harness.signal_group(Signal::INT);
    harness.finish().assert_code(0);
    sandbox.assert_no_process();
}

/// A change during a run is run after it, and an interruption ends the run in order.
#[test]
fn changes_during_a_run_run_after_it() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file("harness.yaml", "scenarios: own\n");
    let steps = "steps: [{create_task: {payload: \"0x04\"}}, {expect_verified: {result: \"0x10\"}}]\n";
    let one = sandbox.scenario("one", steps);
    let two = sandbox.scenario("two", steps);
    let harness = watch(&sandbox, &sandbox.path(""), &["one", "two"]);
    harness.wait_for_output("watching 2 scenarios", 1, LIMIT);
    let touch = |path: &Path, mark: &str| {
        let text = fs::read_to_string(path).unwrap();
        replace(path, format!("{text}# {mark}\n"));
    };
    touch(&one, "first");
    harness.wait_for_output("runs one", 1, LIMIT);
    touch(&two, "during the run");
    let both = harness.wait_for_output(SUMMARY, 2, RUN);
    assert!(both.contains("changed  own/two.yaml; runs two\n"), "{both}");

    let slow = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}\n\
        steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";
    sandbox.scenario("one", slow);
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    harness.signal_group(Signal::INT);
    harness.finish().assert_code(0).assert_shows(&["STOP  process::one"]);
    sandbox.assert_no_process();
}

/// A mistake in the project file is shown, and what was there is watched on.
#[test]
fn a_project_file_that_is_broken_meanwhile_is_shown() {
    let sandbox = Sandbox::new(HARNESS);
    let project = sandbox.file("harness.yaml", "scenarios: own\n");
    sandbox.scenario("one", "steps: [{create_task: {payload: \"0x04\"}}, {expect_verified: {}}]\n");
    let harness = watch(&sandbox, &sandbox.path(""), &[]);
    harness.wait_for_output("watching 1 scenario;", 1, LIMIT);
    replace(&project, "scenarios: own\ncomponent: {}\n");
    harness.wait_for_output("unknown key `component`", 1, LIMIT);
    replace(&project, "scenarios: own\n# Mended.\n");
    let run = harness.wait_for_output(SUMMARY, 1, RUN);
    assert!(run.contains("changed  harness.yaml; runs one\n"), "{run}");
    harness.signal(Signal::TERM);
    harness.finish().assert_code(0);
}

#[test]
fn embedded_scenarios_cannot_be_watched() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.harness(&["watch", "--builtin", "square"]);
    let outcome = hourglass_test_support::run(command.env_remove("HARNESS_SCENARIOS"));
    outcome.assert_code(2).assert_complains(&["scenarios that the executable embeds do not change"]);
}
