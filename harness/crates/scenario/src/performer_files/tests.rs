//! What `lint` says of files of performers, and what scenarios have.

use std::fs;

use hourglass_component::document::Report;
use tempfile::TempDir;

use super::*;
use crate::{Loader, Scenario};

const SECRET: &str = "hunter2";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config", "scenarios"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("config/small.json"), SECRET).unwrap();
    fs::write(folder.path().join("config/binary"), [0xff, 0, 7]).unwrap();
    fs::write(folder.path().join("config/half"), vec![b'a'; LARGEST / 2 + 1]).unwrap();
    fs::write(folder.path().join("config/large"), vec![b'a'; LARGEST + 1]).unwrap();
    folder
}

fn load(rest: &str, path: &str) -> Result<Scenario, Vec<String>> {
    let folder = folder();
    let text = format!(
        "name: own\ndescription: A test's own.\n{rest}\nsteps: [{{create_task: {{payload: \"1\"}}}}, {{expect_verified: {{}}}}]\n"
    );
    let path = if path.contains(':') { path.into() } else { folder.path().join(path) };
    match Loader::new().unwrap().parse(&path, text) {
        Ok(file) => Ok(Scenario::clone(&file.variants[0].scenario)),
        Err(error) => Err(error.reports().iter().map(Report::one_line).collect()),
    }
}

fn performer(files: &str) -> String {
    format!("components: {{performer: {{files: {files}}}}}")
}

#[rstest::rstest]
#[case::relative("{etc/avs: {text: a}}", "own.yaml:3:34: `etc/avs` is no absolute path")]
#[case::leads_out("{/etc/../avs: {text: a}}", "own.yaml:3:34: `/etc/../avs` is not the plain path of a file")]
#[case::system("{/proc/a: {text: a}}", "own.yaml:3:34: `/proc/a` is a place that containers fill themselves")]
#[case::none("{/etc/avs/a: ../config/none}", "/config/none: No such file")]
#[case::folder("{/etc/avs/a: ../config}", "/config: it is no ordinary file")]
#[case::device("{/etc/avs/a: /dev/zero}", "/dev/zero: it is no ordinary file")]
#[case::large("{/etc/avs/a: ../config/large}", "/config/large: it has more than 262144 bytes")]
#[case::together(
    "{/etc/avs/a: ../config/half, /etc/avs/b: ../config/half}",
    "own.yaml:3:26: the files of a performer have 262146 bytes together, and may have 262144"
)]
#[case::nested("{/etc/avs: {text: a}, /etc/avs/b: {text: a}}", "`/etc/avs/b` is below `/etc/avs`, which is a file")]
#[case::unknown_key("{/etc/avs/a: {txt: a}}", "own.yaml:3:")]
#[case::nameless("{/etc/avs/a: ''}", "own.yaml:3:")]
#[case::number("{/etc/avs/a: 7}", "own.yaml:3:")]
#[case::twice("{/etc/avs/a: {text: a}, /etc/avs/a: {text: b}}", "`/etc/avs/a`")]
fn mistakes_are_found_before_a_run(#[case] files: &str, #[case] expected: &str) {
    let problems = load(&performer(files), "scenarios/own.yaml").expect_err("it has a mistake");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(expected), "{problems:?}");
}

#[test]
fn too_many_files_are_refused_once_merged() {
    let files = |prefix: &str, count: usize| {
        let files: Vec<_> = (0..count).map(|number| format!("/etc/{prefix}/{number}: {{text: a}}")).collect();
        format!("{{{}}}", files.join(", "))
    };
    let of_all = performer(&files("all", 10));
    load(&of_all, "scenarios/own.yaml").unwrap();
    let rest = |count| {
        let own = files("own", count);
        format!("{of_all}\ntopology: {{operators: [{{name: a, performer: {{files: {own}}}}}, {{name: b}}]}}")
    };
    load(&rest(6), "scenarios/own.yaml").unwrap();
    let problems = load(&rest(7), "scenarios/own.yaml").unwrap_err();
    assert!(
        matches!(&problems[..], [one] if one.contains("a performer has 17 files, and may have 16")),
        "{problems:?}"
    );
}

#[rstest::rstest]
#[case::executor("components: {executor: {files: {/etc/a/b: {text: a}}}}", "only a performer has `files`")]
#[case::aggregator("components: {aggregator: {files: {/etc/a/b: {text: a}}}}", "only a performer has `files`")]
#[case::running(
    "runtimes: [process]\nruntimes_because: A test's own.\ncomponents: {performer: {address: \"a:1\", files: {/etc/a/b: {text: a}}}}",
    "a performer that runs already cannot be given `files`"
)]
#[case::variable(
    "components: {performer: {environment: {HARNESS_FILES_DIR: /}}}",
    "the variable `HARNESS_FILES_DIR` is set by the harness"
)]
fn only_performers_that_are_started_have_files(#[case] rest: &str, #[case] expected: &str) {
    let problems = load(rest, "scenarios/own.yaml").unwrap_err();
    assert!(matches!(&problems[..], [one] if one.contains(expected)), "{problems:?}");
}

/// An operator's file replaces that of all at the same path. What is read is the content at the time of loading.
#[test]
fn files_of_an_operator_are_laid_over_those_of_all() {
    let rest = format!(
        "{}\ntopology: {{operators: [{{name: a}}, {{name: b, performer: {{files: {{/etc/avs/b: ../config/binary}}}}}}]}}",
        performer("{/etc/avs/a: ../config/small.json, /etc/avs/b: {text: of all}}")
    );
    let scenario = load(&rest, "scenarios/own.yaml").unwrap();
    let of =
        |operator: usize, path: &str| scenario.topology.operators[operator].performer.files[path].bytes().to_owned();
    for operator in [0, 1] {
        assert_eq!(of(operator, "/etc/avs/a"), SECRET.as_bytes());
    }
    assert_eq!((of(0, "/etc/avs/b"), of(1, "/etc/avs/b")), (b"of all".to_vec(), vec![0xff, 0, 7]));
}

/// Plans and the folders of trials show scenarios.
#[test]
fn contents_are_not_shown() {
    let files = format!("{{/etc/avs/a: ../config/small.json, /etc/avs/b: {{text: {SECRET}}}}}");
    let scenario = load(&performer(&files), "scenarios/own.yaml").unwrap();
    for shown in [format!("{scenario:?}"), serde_json::to_string(&scenario).unwrap()] {
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(shown.contains("/scenarios/../config/small.json"), "{shown}");
    }
}

#[test]
fn an_embedded_scenario_has_texts_and_no_files() {
    load(&performer("{/etc/avs/a: {text: a}}"), "builtin:/own.yaml").unwrap();
    let problems = load(&performer("{/etc/avs/a: small.json}"), "builtin:/own.yaml").unwrap_err();
    assert!(problems[0].contains("a scenario that the executable embeds has no files"), "{problems:?}");
}
