//! `harness show`: a trial that failed is shown again by its run, its file and its report.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hourglass_test_support::{LIMIT, Outcome, Sandbox, eventually, run};
use serde_json::Value;

use crate::HARNESS;

/// The second step of line 5 expects another result than the performer gives.
const WRONG: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x11\"}\n";

/// A sandbox with a failed trial and the report of its run.
struct Failed {
    sandbox: Sandbox,
    outcome: Outcome,
    folder: PathBuf,
    report: PathBuf,
}

impl Failed {
    fn trial() -> Self {
        let sandbox = Sandbox::new(HARNESS);
        let (bad, report) = (sandbox.scenario("bad", WRONG), sandbox.path("report.json"));
        let outcome = run(sandbox.harness(&["run", "--json"]).arg(&report).arg(bad));
        outcome.assert_code(1);
        let [folder] = sandbox.run_folders().try_into().unwrap();
        Self { sandbox, outcome, folder, report }
    }

    fn id(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    fn show(&self, arguments: &[&str]) -> Outcome {
        self.sandbox.run(&[&["show"], arguments].concat())
    }
}

#[test]
fn a_failed_trial_is_shown_by_run_prefix_folder_file_and_as_the_latest() {
    let failed = Failed::trial();
    let (id, folder) = (failed.id(), failed.folder.display().to_string());
    let file = failed.folder.join("trial.json").display().to_string();
    // What the terminal showed of the trial stands before what is added.
    let block = failed.outcome.stdout.split("\nSummary ").next().unwrap();
    let added =
        ["  steps\n", "done ", "failed ", "expect_verified", "  tasks\n", "verified ", "timeline, the last 20 of "];
    for arguments in [&[][..], &[id], &[&id[..id.len() - 1]], &[folder.as_str()], &[file.as_str()]] {
        let shown = failed.show(arguments);
        shown.assert_code(0).assert_shows(&added);
        assert!(shown.stdout.starts_with(block), "{arguments:?}\n{}\n\nthe terminal showed\n{block}", shown.stdout);
    }
    let (mode, report) =
        (fs::metadata(&file).unwrap().permissions().mode() & 0o777, failed.report.display().to_string());
    assert_eq!(mode, 0o600);
    let run = failed.show(&[&report]);
    run.assert_code(0);
    assert_eq!(run.stdout, failed.outcome.stdout, "a report of a run is shown as the terminal showed the run");
    failed.show(&[&report, "--trial", "process::bad"]).assert_code(0).assert_shows(&added);
}

#[test]
fn what_cannot_be_shown_is_named() {
    let sandbox = Sandbox::new(HARNESS);
    let complains = |arguments: &[&str], code: i32, parts: &[&str]| {
        sandbox.run(&[&["show"], arguments].concat()).assert_code(code).assert_complains(parts);
    };
    complains(&[], 2, &["there is no kept trial below", "remedy: run a scenario"]);
    for name in ["r1m8jw4p9x-fmbc2888", "r1m8jw4p9y-fmbc2888"] {
        fs::create_dir_all(sandbox.runs().join(name)).unwrap();
    }
    complains(&["r2"], 2, &["there is no run r2 below", "remedy: `harness runs list`"]);
    complains(&["r1m8"], 2, &["there are 2 runs whose ids begin with r1m8: r1m8jw4p9y-fmbc2888, r1m8jw4p9x-fmbc2888"]);
    complains(&["r1m8jw4p9x"], 2, &["of run r1m8jw4p9x-fmbc2888 has no report"]);
    complains(&["missing.json"], 3, &["failed to read missing.json", "No such file"]);
    for (text, reason) in [
        ("no JSON", "line 1 is not JSON"),
        ("{\"version\": 1}", "line 1: it is not a report of a run or of a trial"),
        (
            "{\"version\": 9,\n\"trial\": \"\", \"verdict\": {}, \"directory\": \"\"}",
            "line 1: version 9 of a report of a trial is unknown; this harness reads version 1",
        ),
        ("{\"version\": 1, \"started\": 1,\n\"trials\": 2, \"not_run\": []}", "line 1: it does not follow the schema"),
    ] {
        sandbox.file("wrong.json", text);
        complains(&["wrong.json"], 2, &["failed to read wrong.json", reason, "remedy: "]);
    }
    complains(&["--open", "--format", "text"], 2, &["nothing to open", "--format html"]);
}

#[test]
fn a_trial_of_a_report_must_exist() {
    let failed = Failed::trial();
    let report = failed.report.display().to_string();
    let unknown = failed.show(&[&report, "--trial", "process::good"]);
    unknown.assert_code(2).assert_complains(&["no trial process::good; it has process::bad", "--trial NAME"]);
}

/// Viewers refuse a trace whose events do not nest.
#[test]
fn the_trace_of_a_trial_has_the_phases_of_its_task() {
    let failed = Failed::trial();
    let file = failed.sandbox.path("trace.json");
    failed.show(&["--format", "trace", "--output", file.to_str().unwrap()]).assert_code(0);
    let trace: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of_kind = |kind: &str| events.iter().filter(|event| event["ph"] == kind).collect::<Vec<_>>();
    let names =
        |events: &[&Value]| events.iter().map(|event| event["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();

    let begun = names(&of_kind("b"));
    for phase in ["task", "observed", "dispatched", "performer started", "performer finished", "signed", "verified"] {
        assert!(begun.iter().any(|name| name == phase), "{phase} is missing: {begun:?}");
    }
    let mut open = Vec::new();
    for event in events.iter().filter(|event| event["ph"] == "b" || event["ph"] == "e") {
        let key = (event["cat"].clone(), event["id"].clone(), event["name"].clone());
        if event["ph"] == "b" {
            open.push(key);
        } else {
            let index = open.iter().rposition(|begun| *begun == key);
            open.remove(index.unwrap_or_else(|| panic!("{event} has not begun")));
        }
    }
    assert!(open.is_empty(), "they do not end: {open:?}");
    let complete = names(&of_kind("X"));
    for name in ["chains", "components", "steps", "create_task", "expect_verified", "taking down"] {
        assert!(complete.iter().any(|known| known == name), "{name} is missing: {complete:?}");
    }
    let entries = fs::read_to_string(failed.folder.join("timeline.jsonl")).unwrap().lines().count();
    assert_eq!(of_kind("i").len(), entries, "an entry of the timeline is missing, or there is another");
    let times: Vec<_> = events.iter().map(|event| event["ts"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let end = failed_duration(&failed) * 1e3;
    assert!(events.iter().filter_map(|event| event["dur"].as_f64()).all(|duration| duration <= end));

    fs::remove_file(failed.folder.join("timeline.jsonl")).unwrap();
    let gone = failed.show(&["--format", "trace"]);
    gone.assert_code(2).assert_complains(&["trial process::bad has no timeline at", "--keep always"]);
}

/// In milliseconds.
fn failed_duration(failed: &Failed) -> f64 {
    let report: Value = serde_json::from_slice(&fs::read(failed.folder.join("trial.json")).unwrap()).unwrap();
    report["duration_ms"].as_f64().unwrap()
}

#[test]
fn markdown_has_the_failure_of_a_trial_and_the_table_of_a_run() {
    let failed = Failed::trial();
    let parts = [
        "| ❌ failed | ` process::bad ` |",
        "<summary><code>process::bad</code></summary>",
        "expected  result \"0x11\"",
    ];
    failed.show(&["--format", "markdown"]).assert_code(0).assert_shows(&parts);
    failed.show(&[failed.report.to_str().unwrap(), "--format", "markdown"]).assert_code(0).assert_shows(&parts);
}

/// The page is that of the run, with the entries of the timeline, which only the folder has.
#[test]
fn html_is_the_page_of_the_run() {
    let failed = Failed::trial();
    for what in [failed.id(), failed.report.to_str().unwrap()] {
        let page = failed.show(&[what, "--format", "html"]);
        page.assert_code(0).assert_shows(&[
            "<!doctype html>",
            "process::bad",
            "expect_verified",
            "every chain is followed",
        ]);
    }
    // Only a page in a file has a place from which a folder can be linked.
    let file = failed.sandbox.path("page.html");
    failed.show(&["--format", "html", "--output", file.to_str().unwrap()]).assert_code(0);
    assert!(fs::read_to_string(file).unwrap().contains(failed.id()));
}

/// Documents that show writes are those that the run wrote.
#[test]
fn json_is_the_document_that_was_stored() {
    let failed = Failed::trial();
    let file = failed.sandbox.path("out/trial.json");
    failed.show(&["--format", "json", "--output", file.to_str().unwrap()]).assert_code(0);
    let value = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    assert_eq!(value(&file), value(&failed.folder.join("trial.json")));
    let shown = failed.show(&[failed.report.to_str().unwrap(), "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap(), value(&failed.report));
}

/// A desktop is a display and a program that opens files.
#[test]
fn the_file_is_opened_by_the_desktop() {
    let failed = Failed::trial();
    let (file, seen) = (failed.sandbox.path("trial.json"), failed.sandbox.path("seen"));
    let arguments = ["show", "--format", "json", "--open", "--output", file.to_str().unwrap()];
    let without =
        |command: &mut std::process::Command| run(command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY"));
    let refused = without(&mut failed.sandbox.harness(&arguments));
    refused.assert_code(2).assert_complains(&["there is no display", "DISPLAY"]);
    let opener = failed.sandbox.file("xdg-open", &format!("#!/bin/sh\necho \"$1\" > {}\n", seen.display()));
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/bin:/usr/bin", opener.parent().unwrap().display());
    let shown = run(failed.sandbox.harness(&arguments).env("DISPLAY", ":7").env("PATH", path));
    shown.assert_code(0).assert_shows(&["opened ", "trial.json"]);
    eventually(LIMIT, || {
        let text = fs::read_to_string(&seen).unwrap_or_default();
        if text.trim() == file.to_str().unwrap() { Ok(()) } else { Err(format!("opened was {text:?}")) }
    })
    .unwrap();
}
