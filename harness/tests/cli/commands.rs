//! The commands that start nothing, and output that nobody reads.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use hourglass_test_support::{FILES, Sandbox, run, scenarios};

use crate::HARNESS;

#[test]
fn list_gives_json() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&[
        "scenario",
        "list",
        "--runtime",
        "process,docker",
        "--runtime",
        "kubernetes",
        "--format",
        "json",
    ]);
    outcome.assert_code(0);
    let list: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let list = list["trials"].as_array().unwrap();
    let square = list.iter().find(|entry| entry["name"] == "process::square").unwrap();
    assert_eq!((&square["scenario"], &square["runtime"]), (&"square".into(), &"process".into()));
    let files = fs::read_dir(scenarios())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "yaml"));
    let known: BTreeSet<_> = list.iter().filter_map(|entry| entry["scenario"].as_str()).collect();
    assert_eq!(known.len(), files.count(), "a scenario file has no trial: {known:?}");
    sandbox.assert_nothing_left();
}

/// A plan is for reading: it needs no process, no folder and no Anvil.
#[test]
fn plan_starts_nothing() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(sandbox
        .harness(&["scenario", "plan", "--runtime", "process", "--format", "json"])
        .env("HARNESS_ANVIL", "/nonexistent"));
    outcome.assert_code(0);
    let plan: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(plan["trials"].as_array().is_some_and(|plan| plan.len() > 5), "{plan}");
    assert!(!sandbox.runs().exists(), "a plan made a folder for trials");
    sandbox.assert_nothing_left();
}

/// Scripts that call a command by its old name read its output as it was then.
#[rstest::rstest]
#[case::list("list")]
#[case::plan("plan")]
fn json_of_an_old_command_is_an_array(#[case] command: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let arguments = [command, "--runtime", "process", "--format", "json"];
    let [old, new] = [sandbox.run(&arguments), sandbox.run(&[&["scenario"], &arguments[..]].concat())];
    let [old, new] = [old, new].map(|outcome| {
        outcome.assert_code(0);
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()
    });
    assert!(old.as_array().is_some_and(|trials| trials.len() > 5), "{old}");
    assert_eq!(old, new["trials"]);
}

#[test]
fn lint_finds_no_problem_in_the_projects_scenarios() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["lint"]).assert_code(0).assert_shows(&["no problems"]);
}

#[test]
fn lint_shows_all_problems_of_all_files() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";
    let one = sandbox.scenario("one", &format!("tasg: []\n{steps}"));
    let two = sandbox
        .scenario("two", "steps:\n  - create_task: {payload: \"1\", chain: l3}\n  - expect_verified: {task: tsk}\n");
    sandbox.scenario("good", steps);
    let outcome = run(sandbox.harness(&["lint", "--short", "--scenarios"]).arg(sandbox.path(FILES)));
    outcome.assert_code(2).assert_shows(&[
        &format!("{}:3:1: unknown key `tasg`", one.display()),
        "did you mean `tags`",
        &format!("{}:4:", two.display()),
        "in 2 of 3 scenario files",
    ]);
    sandbox.assert_nothing_left();
}

#[test]
fn schema_is_checked() {
    let sandbox = Sandbox::new(HARNESS);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/scenario.json");
    run(sandbox.harness(&["schema", "--check"]).arg(&committed)).assert_code(0);
    let stale = sandbox.file("stale.json", "{}");
    let outcome = run(sandbox.harness(&["schema", "--check"]).arg(&stale));
    outcome.assert_complains(&["stale.json"]);
    assert!(!outcome.status.success(), "a stale schema passes");
    let printed = sandbox.run(&["schema"]);
    assert_eq!(printed.stdout, fs::read_to_string(committed).unwrap());
}

/// Users pipe `harness scenario list` into `head -1`: that must cause no panic and no error message.
#[rstest::rstest]
#[case::list(&["list"], 0)]
#[case::list_json(&["list", "--format", "json"], 0)]
#[case::plan(&["plan", "*"], 0)]
#[case::schema(&["schema"], 0)]
#[case::lint(&["lint"], 0)]
#[case::help(&["--help"], 0)]
#[case::run(&["run", "square"], 0)]
fn closed_output_is_no_failure(#[case] arguments: &[&str], #[case] code: i32) {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.harness(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before anything is written: the worst case.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), complaint.as_str()), (Some(code), ""), "{arguments:?} into a closed pipe");
    sandbox.assert_nothing_left();
}

/// `harness lint | head -1` must not let a broken file pass, and `harness gc | grep -q …` must finish what it began.
#[test]
fn an_early_close_by_the_reader_changes_neither_exit_code_nor_work() {
    let sandbox = Sandbox::new(HARNESS);
    let unread = |command: &mut Command| {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).output().unwrap()
    };
    let broken = sandbox.scenario("broken", "steps: []\n");
    let lint = unread(sandbox.harness(&["lint"]).arg(broken));
    assert_eq!(lint.status.code(), Some(2), "{lint:?}");
    let ids = ["r1m8jw4p9x-fmbc2888", "r1m8jw4p9y-fmbc2888"];
    for id in ids {
        fs::create_dir_all(sandbox.runs().join(id)).unwrap();
    }
    let gc = unread(sandbox.harness(&["gc"]).args(ids));
    assert_eq!(gc.status.code(), Some(0), "{gc:?}");
    assert_eq!(sandbox.run_folders(), [""; 0].map(PathBuf::from), "it stopped halfway");
}

/// `HARNESS_RUNS` may name a folder that also has others, such as the one of a project.
#[test]
fn gc_leaves_folders_alone_that_are_no_trials() {
    let sandbox = Sandbox::new(HARNESS);
    let source = sandbox.runs().join("src/main.rs");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    fs::write(&source, "fn main() {}").unwrap();
    let rehearsal = sandbox.run(&["gc", "--dry-run"]);
    rehearsal.assert_code(0);
    assert!(!rehearsal.stdout.contains("runs/src"), "{}", rehearsal.stdout);
    sandbox.run(&["gc", "src"]).assert_code(2).assert_complains(&["there is nothing of run src"]);
    assert!(source.exists(), "a folder of the user was removed");
}

/// As above, but the reader takes a line first.
#[test]
fn reader_may_close_the_pipe_after_one_line() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.harness(&["plan", "*"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(!line.is_empty());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{:?}", String::from_utf8(output.stderr));
}
