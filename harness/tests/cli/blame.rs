//! If a part under test does not start, its trial has failed; a reference part in the same place counts as the
//! environment. These are the rows of docs/blame.md that processes show.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hourglass_test_support::{Outcome, Sandbox};

use crate::HARNESS;

const ONE_TASK: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn a_performer_command_that_does_not_exist_has_failed() {
    let outcome = failed("performer/operator", "{performer: {command: [/nonexistent/performer]}}");
    outcome.assert_shows(&["it cannot be started", "\"/nonexistent/performer\" in /", "No such file"]);
    outcome.assert_shows(&["remedy: make sure that the program exists"]);
}

/// Docker and shells take one text; here it is the name of a program.
#[test]
fn a_command_that_is_one_word_has_failed() {
    let outcome = failed("performer/operator", "{performer: {command: [\"node performer.mjs\"]}}");
    outcome.assert_shows(&["\"'node performer.mjs'\" in /", "remedy: write program and arguments as separate items"]);
}

/// Its last output is shown first and once, because it is started once: only a lost port justifies another try.
#[test]
fn a_performer_that_ends_at_once_has_failed() {
    let script = "echo no module named abacus >&2; exit 7";
    let outcome = failed("performer/operator", &format!("{{performer: {{command: [sh, -c, \"{script}\"]}}}}"));
    outcome.assert_shows(&["ready: it ended with exit status: 7; its last output:\n", "no module named abacus\n"]);
    let seen = outcome.stdout.split("its last output:").nth(1).unwrap();
    assert!(seen.trim_start().starts_with("no module named abacus"), "its words are first:\n{}", outcome.stdout);
    let quoted = seen.split("remedy").next().unwrap();
    assert_eq!(quoted.matches("no module named abacus").count(), 1, "it was started once:\n{}", outcome.stdout);
}

/// Interpreters say what is wrong before they show where.
#[test]
fn the_first_line_of_a_stack_trace_is_shown() {
    let script = "echo Cannot find module abacus >&2; seq -f 'at place %g' 20 >&2; exit 1";
    let outcome = failed("performer/operator", &format!("{{performer: {{command: [sh, -c, \"{script}\"]}}}}"));
    outcome.assert_shows(&["its last output:\n", "Cannot find module abacus\n", "at place 20\n"]);
}

/// Takes as long as a performer may take to become ready.
#[test]
fn unhealthy_performer_has_failed_and_its_health_is_shown() {
    let outcome = failed("performer/operator", "{performer: {environment: {PERFORMER_NOT_READY: true}}}");
    outcome.assert_shows(&["it was not healthy within 30s; last seen: NOT_SERVING"]);
}

/// It is healthy at a port of its own choice. Its output there must not extend the time that it may take.
#[test]
fn a_performer_that_serves_on_another_port_has_failed_with_that_port() {
    let began = Instant::now();
    let command = format!("[sh, -c, \"GRPC_PORT=0 exec {HARNESS} component performer\"]");
    let outcome = failed("performer/operator", &format!("{{performer: {{command: {command}}}}}"));
    outcome.assert_shows(&["it listens on 127.0.0.1:", "its health says SERVING, and not on GRPC_PORT at 127.0.0.1:"]);
    assert!(began.elapsed() < Duration::from_secs(20), "not after its time is up: {:?}", began.elapsed());
}

#[test]
fn an_executor_of_the_users_that_does_not_exist_has_failed() {
    let outcome = failed("executor/operator", "{executor: {command: [/nonexistent/executor]}}");
    outcome.assert_shows(&["failed to start executor/operator", "No such file", "remedy"]);
}

#[test]
fn an_aggregator_of_the_users_that_ends_at_once_has_failed() {
    let outcome = failed("aggregator", "{aggregator: {command: [sh, -c, \"echo out of ink; exit 5\"]}}");
    outcome.assert_shows(&["aggregator ended before it was ready: exit status: 5; its last output:\n", "out of ink"]);
}

/// The same end of the same program in the harness's own executor: no part under test has failed.
#[test]
fn a_reference_component_that_ends_at_once_is_the_environment() {
    let sandbox = Sandbox::new(HARNESS);
    // No program with a Tokio runtime starts with this value.
    let environment = "{executor: {environment: {TOKIO_WORKER_THREADS: none}}}";
    let outcome = sandbox.run_file(&sandbox.scenario("broken", &format!("components: {environment}\n{ONE_TASK}")));
    outcome.assert_code(3).assert_shows(&["ERROR process::broken", "the environment failed", "executor/operator"]);
    sandbox.assert_no_process();
}

/// A performer's output is its own: no line counts as a record of its executor, and it is not mixed into other logs.
#[test]
fn performer_output_is_not_taken_for_executor_records() {
    let sandbox = Sandbox::new(HARNESS);
    let (error, event) =
        (r#"{"level":"ERROR","message":"lost"}"#, r#"{"level":"INFO","message":"m","event":"E","task_hash":"H"}"#);
    let place = sandbox.path("output");
    let script = sandbox.file(
        "performer.sh",
        &format!(
            "own=$(readlink /proc/$$/fd/1)\necho \"$own\" > {}\necho '{error}'\necho '{}'\nexec {HARNESS} component performer\n",
            place.display(),
            event.replace('E', "task_signed")
        ),
    );
    let steps = "steps:\n  - expect_event: {event: task_signed, component: executor/operator, within: 1s}\n";
    let components = format!("components: {{performer: {{command: [sh, {}]}}}}\n", script.display());
    let outcome = sandbox.run_file(&sandbox.scenario("forged", &format!("{components}{steps}")));
    outcome.assert_code(1).assert_shows(&["expect_event", "performer/operator: lost"]);
    assert!(!outcome.stdout.contains("executor/operator: lost"), "{}", outcome.stdout);
    let output = PathBuf::from(fs::read_to_string(place).unwrap().trim());
    let beside: Vec<_> = fs::read_dir(output.parent().unwrap()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(
        beside,
        std::slice::from_ref(&output),
        "no other component's file is in the folder that a performer can tell"
    );
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let linked = fs::read_to_string(folder.join("logs/performer-operator.log")).unwrap();
    assert!(linked.contains(error) && !log(&folder, "executor-operator.log").contains("lost"), "{linked}");
}

/// The executor refuses an answer for another task, and reports it.
#[test]
fn an_answer_for_another_task_is_refused_by_name() {
    let sandbox = Sandbox::new(HARNESS);
    let components = "components: {performer: {environment: {TASK_ID: none}}}\n";
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_event: {event: performer_failed, task: task, \
                 component: executor/operator}\n  - expect_verified: {result: \"0x10\", within: 1s}\n";
    let outcome = sandbox.run_file(&sandbox.scenario("other_task", &format!("{components}{steps}")));
    outcome.assert_code(1).assert_shows(&["failed to use the answer of performer performer-", "its task_id is empty"]);
    sandbox.assert_no_process();
}

/// Runs one task with these components. Asserts that it has failed, and that this part is to blame.
#[track_caller]
fn failed(part: &str, components: &str) -> Outcome {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("blame", &format!("components: {components}\n{ONE_TASK}"));
    let junit = sandbox.path("junit.xml");
    let arguments: [&OsStr; 4] = ["run".as_ref(), path.as_os_str(), "--junit".as_ref(), junit.as_os_str()];
    let outcome = sandbox.run(&arguments);
    outcome.assert_code(1).assert_shows(&["FAIL  process::blame", &format!("start of {part}\n"), "0 passed, 1 failed"]);
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("<failure") && !junit.contains("<error"), "{junit}");
    sandbox.assert_no_process();
    let [folder] = sandbox.run_folders().try_into().unwrap();
    assert!(folder.join("timeline.jsonl").is_file(), "the folder that the report names has no timeline");
    outcome
}

fn log(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("logs").join(name)).unwrap()
}
