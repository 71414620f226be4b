//! Reports for programs, and parallel trials.

use std::{fs, io};

use hourglass_test_support::{Outcome, Sandbox, run};

use crate::{
    HARNESS,
    usage::{BUSY, assert_every_component_is_reported},
};

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn reports_contain_every_trial() {
    let sandbox = Sandbox::new(HARNESS);
    let good = sandbox.scenario("good", STEPS);
    let bad = sandbox.scenario("bad", &STEPS.replace("0x10", "0x11"));
    let kill = "  - kill: {component: aggregator}\n";
    let broken = sandbox.scenario("broken", &STEPS.replace("steps:\n", &format!("steps:\n{kill}{kill}")));
    let (junit, json) = (sandbox.path("reports/junit.xml"), sandbox.path("report.json"));
    let html = sandbox.path("reports/report.html");
    let mut harness = sandbox.harness(&["run", "--junit"]);
    harness.arg(&junit).arg("--json").arg(&json).arg("--html").arg(&html);
    run(harness.args([&good, &bad, &broken])).assert_code(1);

    let html = fs::read_to_string(html).unwrap();
    for part in ["process::good", "process::bad", "process::broken", "bad.yaml:", "timeline.jsonl", "TaskVerified"] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }

    let junit = fs::read_to_string(junit).unwrap();
    let count = |text: &str| junit.matches(text).count();
    assert_eq!((count("<testcase "), count("<failure"), count("<error")), (3, 1, 1), "{junit}");
    for name in ["good", "bad", "broken"] {
        assert!(junit.contains(&format!("name=\"process::{name}\"")), "{name} is missing in {junit}");
    }
    assert!(junit.contains("tests=\"3\"") && junit.contains("bad.yaml:"), "{junit}");
    // Viewers show this text for a failure, so that it must hold everything needed.
    let failure = junit.split("<failure").nth(1).and_then(|rest| rest.split("</failure>").next()).unwrap();
    for part in ["expected  result", "seen      result", "timeline", "TaskVerified", "again     harness run"] {
        assert!(failure.contains(part), "{part} is missing in {failure}");
    }

    let json: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!((&json["exit_code"], &json["summary"]["environment_failed"]), (&1.into(), &1.into()));
    let outcomes = ["good", "bad", "broken"].map(|name| {
        let trials = json["trials"].as_array().unwrap();
        let trial = trials.iter().find(|trial| trial["trial"] == format!("process::{name}")).unwrap();
        trial["verdict"]["outcome"].as_str().unwrap().to_owned()
    });
    assert_eq!(outcomes, ["passed", "failed", "environment_failed"]);
    let task = json.pointer("/trials/0/tasks/0").unwrap();
    assert!(task["phases"].as_object().is_some_and(|phases| phases.len() >= 8), "phases are missing: {task}");
}

/// The processes of a machine are not a cluster, so nothing surrounds them.
#[test]
fn a_report_has_what_each_component_used() {
    let sandbox = Sandbox::new(HARNESS);
    let (scenario, json) = (sandbox.scenario("busy", BUSY), sandbox.path("report.json"));
    run(sandbox.harness(&["run", "--json"]).arg(&json).arg(&scenario)).assert_code(0);
    assert_eq!(assert_every_component_is_reported(&json), [""; 0]);
}

/// Nobody should wait for trials whose report is lost. The other report says that they were not run.
#[test]
fn unwritable_report_is_reported_before_the_trials() {
    let sandbox = Sandbox::new(HARNESS);
    let (file, json) = (sandbox.file("file", ""), sandbox.path("new/report.json"));
    let outcome =
        run(sandbox.harness(&["run", "square", "--junit"]).arg(file.join("junit.xml")).arg("--json").arg(&json));
    outcome.assert_code(1).assert_complains(&["failed to write the report", "junit.xml", "Not a directory"]);
    assert_eq!(outcome.stdout, "");
    assert!(!sandbox.runs().exists(), "a trial was begun");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!((&report["not_run"][0], &report["exit_code"]), (&"process::square".into(), &1.into()));
}

/// The disk is full, or the folder gone, at the end of a run: the results of the trials take precedence.
#[test]
fn report_lost_at_the_end_hides_neither_a_failure_nor_the_other_report() {
    let sandbox = Sandbox::new(HARNESS);
    let (folder, json) = (sandbox.path("reports"), sandbox.path("report.json"));
    let command = format!("rm -r {}; exec {HARNESS} component performer", folder.display());
    let performer = format!("components: {{performer: {{command: [sh, -c, \"{command}\"]}}}}\n");
    let bad = sandbox.scenario("bad", &format!("{performer}{}", STEPS.replace("0x10", "0x11")));
    let mut harness = sandbox.harness(&["run", "--junit"]);
    let outcome = run(harness.arg(folder.join("junit.xml")).arg("--json").arg(&json).arg(&bad));
    outcome.assert_code(1).assert_shows(&["FAIL  process::bad"]).assert_complains(&["write the report", "junit.xml"]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(report["exit_code"], 1);
}

/// A path that cannot be a file is a mistake on the command line.
#[rstest::rstest]
#[case::folder(&["--junit", "."], "it is a folder")]
#[case::tilde(&["--junit", "~/junit.xml"], "only shells replace")]
#[case::twice(&["--junit", "report", "--json", "./report"], "they are one and the same file")]
#[case::third_of_three(&["--junit", "junit.xml", "--json", "report", "--html", "./report"], "they are one and the same file")]
#[case::output_twice(&["--junit", "-", "--json", "/dev/stdout"], "they are one and the same file")]
fn path_that_cannot_be_a_file_exits_with_2(#[case] options: &[&str], #[case] reason: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(sandbox.harness(&["run", "square"]).args(options));
    outcome.assert_code(2).assert_complains(&[reason, "remedy: "]);
    assert!(!sandbox.runs().exists(), "a trial was begun");
    assert!(!sandbox.path("report").exists() && !sandbox.path("~").exists(), "something was made of a mistake");
}

/// Otherwise one wrong argument would destroy a user's work.
#[test]
fn a_report_does_not_replace_the_scenario() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("own", STEPS);
    let before = fs::read_to_string(&path).unwrap();
    let outcome = sandbox.run(&["run", path.to_str().unwrap(), "--json", path.to_str().unwrap()]);
    outcome.assert_code(2).assert_complains(&["it is the scenario file", "name another file"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

/// A program that reads the report from a pipe gets nothing else; messages for users go to standard error.
#[rstest::rstest]
#[case("-")]
#[case("/dev/stdout")]
fn report_on_standard_output_is_the_only_output(#[case] path: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(&mut sandbox.harness(&["run", "square", "--json", path]));
    outcome.assert_code(0).assert_complains(&["PASS  process::square", "1 passed, 0 failed"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["trials"][0]["trial"], "process::square");
    assert!(!sandbox.path("-").exists());
}

/// A report must not replace the log of a CI job that the harness writes to.
#[test]
fn a_log_that_is_standard_output_keeps_what_is_in_it() {
    let sandbox = Sandbox::new(HARNESS);
    let log = sandbox.file("log", "earlier\n");
    let open = || fs::OpenOptions::new().append(true).open(&log).unwrap();
    let status =
        sandbox.harness(&["run", "square", "--junit", "/dev/stdout"]).stdout(open()).stderr(open()).status().unwrap();
    assert!(status.success(), "{status}");
    let text = fs::read_to_string(&log).unwrap();
    for part in ["earlier\n", "PASS  process::square", "<testsuites ", "</testsuites>"] {
        assert_eq!(text.matches(part).count(), 1, "{part} in {text}");
    }
}

/// Tools that show colours ask for them, and users who want none say so.
#[rstest::rstest]
#[case(&[], false)]
#[case(&[("CLICOLOR_FORCE", "1")], true)]
#[case(&[("CLICOLOR_FORCE", "0")], false)]
#[case(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false)]
fn colours_are_shown_if_requested(#[case] variables: &[(&str, &str)], #[case] colours: bool) {
    let sandbox = Sandbox::new(HARNESS);
    let bad = sandbox.scenario("bad", "stesp: []\n");
    let mut lint = sandbox.harness(&["lint"]);
    let mut wrong = sandbox.harness(&["run"]);
    for command in [&mut lint, &mut wrong] {
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command.env_remove(name);
        }
        command.arg(&bad).envs(variables.iter().copied());
    }
    let (linted, refused) = (run(&mut lint), run(&mut wrong));
    assert_eq!(linted.stdout.contains('\x1b'), colours, "{}", linted.stdout);
    assert_eq!(refused.stderr.contains('\x1b'), colours, "{}", refused.stderr);
}

#[rstest::rstest]
#[case::one_after_the_other("1")]
#[case::side_by_side("4")]
fn trials_do_not_disturb_each_other(#[case] jobs: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let names = ["one", "two", "three", "four"];
    let paths = names.map(|name| sandbox.scenario(name, STEPS));
    let json = sandbox.path("report.json");
    let outcome = run(sandbox.harness(&["run", "--jobs", jobs, "--json"]).arg(&json).args(paths));
    outcome.assert_code(0).assert_shows(&["4 passed"]);
    sandbox.assert_nothing_left();

    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let mut spans: Vec<(jiff::Timestamp, f64)> = report["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| (trial["started"].as_str().unwrap().parse().unwrap(), trial["duration_ms"].as_f64().unwrap()))
        .collect();
    spans.sort_by_key(|(start, _)| *start);
    let overlap = spans.windows(2).any(|pair| {
        let apart = (pair[1].0 - pair[0].0).total(jiff::Unit::Millisecond).unwrap();
        // Clock readings are rounded.
        apart + 1.0 < pair[0].1
    });
    assert_eq!(overlap, jobs != "1", "--jobs {jobs} is not what happened: {spans:?}");
}

/// A shell with a redirection that executes the harness.
fn redirected(sandbox: &Sandbox, redirection: &str, arguments: &[&str]) -> Outcome {
    let mut command = sandbox.command("sh");
    command.args(["-c", &format!("exec \"$@\" {redirection}"), "sh", HARNESS]).args(arguments);
    run(&mut command)
}

/// A user who asks for output and gets none must see an error.
#[rstest::rstest]
#[case::list(&["list"])]
#[case::plan(&["plan", "square"])]
#[case::lint(&["lint", "square"])]
#[case::schema(&["schema"])]
#[case::ps(&["ps"])]
#[case::help(&["--help"])]
#[case::help_of_a_command(&["run", "--help"])]
#[case::version(&["--version"])]
#[case::run(&["run", "square"])]
#[case::json(&["run", "square", "--json", "-"])]
#[case::junit(&["run", "square", "--junit", "-"])]
#[case::path(&["run", "square", "--json", "/dev/stdout"])]
fn output_to_a_full_disk_exits_with_3(#[case] arguments: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = redirected(&sandbox, ">/dev/full", arguments);
    outcome.assert_code(3).assert_complains(&["failed to write the ", "No space left on device"]);
}

/// The reader of `harness scenario list | head -1` has all that it needs.
#[rstest::rstest]
#[case::list(&["list"])]
#[case::schema(&["schema"])]
#[case::lint(&["lint"])]
#[case::help(&["run", "--help"])]
fn early_close_by_the_reader_is_no_failure(#[case] arguments: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = sandbox.harness(arguments).stdout(writer).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// If nobody can get a report, that is reported before the trials. Output that is discarded on purpose is no failure.
#[rstest::rstest]
#[case::json(&["--json", "-"], ">&-", 1)]
#[case::junit(&["--junit", "-"], ">&-", 1)]
#[case::path(&["--json", "/dev/stdout"], ">&-", 1)]
#[case::thrown_away(&["--json", "-"], ">/dev/null", 0)]
#[case::no_report(&[], ">&-", 0)]
fn report_to_a_closed_output_is_reported_before_the_trials(
    #[case] options: &[&str],
    #[case] redirection: &str,
    #[case] code: i32,
) {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = redirected(&sandbox, redirection, &[&["run", "square"], options].concat());
    outcome.assert_code(code);
    if code != 0 {
        outcome.assert_complains(&["standard output: it is closed", "remedy: "]);
        assert!(!sandbox.runs().exists(), "a trial was begun");
    }
}
