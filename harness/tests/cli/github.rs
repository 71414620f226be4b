//! A run within GitHub Actions: annotations at the lines of scenarios, and the summary of the step.

use std::{fs, path::Path};

use hourglass_test_support::{Outcome, Sandbox, line_of, run};

use crate::HARNESS;

const GOOD: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

/// Runs scenarios as a step of a job whose repository is the sandbox.
fn step(sandbox: &Sandbox, arguments: &[&str], summary: &Path) -> Outcome {
    let mut command = sandbox.harness(arguments);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", summary);
    run(command.env("GITHUB_WORKSPACE", summary.parent().unwrap()))
}

/// The commands that the runner of GitHub finds in an output: lines that begin with `::`, and the old form anywhere in
/// a line, unless a command has stopped the search.
fn commands(output: &str) -> Vec<&str> {
    let (mut found, mut stopped) = (Vec::new(), None);
    for line in output.lines() {
        let command = line.trim_start();
        if let Some(token) = &stopped {
            if command == format!("::{token}::") {
                stopped = None;
            }
        } else if let Some(token) = command.strip_prefix("::stop-commands::") {
            stopped = Some(token.to_owned());
        } else if command.starts_with("::") || command.contains("##[") {
            found.push(command);
        }
    }
    assert_eq!(stopped, None, "commands stay stopped:\n{output}");
    found
}

#[test]
fn a_failure_is_an_annotation_at_its_line_and_a_part_of_the_summary() {
    let sandbox = Sandbox::new(HARNESS);
    let summary = sandbox.file("summary.md", "# Before\n");
    let (good, bad) = (sandbox.scenario("good", GOOD), sandbox.scenario("bad", &GOOD.replace("0x10", "0x11")));
    let outcome = step(&sandbox, &["run", good.to_str().unwrap(), bad.to_str().unwrap()], &summary);
    outcome.assert_code(1).assert_shows(&["FAIL  process::bad", "PASS  process::good", "Summary 2 trials"]);
    let line = line_of(&bad, "expect_verified");
    let error = format!(
        "::error file=own/bad.yaml,line={line},title=process%3A%3Abad%3A expect_verified::expected  result \"0x11\"%0Aseen      result \"0x10\""
    );
    assert_eq!(commands(&outcome.stdout), [error]);
    assert_eq!(commands(&outcome.stderr), [""; 0]);
    let text = fs::read_to_string(&summary).unwrap();
    for part in [
        "# Before\n## Hourglass: failed\n\n1 passed, 1 failed in ",
        "| ❌ failed | ` process::bad ` | ",
        "| ✅ passed | ` process::good ` | ",
        "<details>\n<summary><code>process::bad</code></summary>\n\n```text\n",
        "    seen      result \"0x10\"\n",
        "  again     harness run ",
    ] {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}

/// What programs read on standard output is nothing but the report.
#[test]
fn commands_leave_a_report_on_standard_output_alone() {
    let sandbox = Sandbox::new(HARNESS);
    let bad = sandbox.scenario("bad", &GOOD.replace("0x10", "0x11"));
    let outcome = step(&sandbox, &["run", "--json", "-", bad.to_str().unwrap()], &sandbox.path("summary.md"));
    outcome.assert_code(1).assert_complains(&["::error file=own/bad.yaml,line="]);
    serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap();
    assert_eq!(commands(&outcome.stderr).len(), 1);
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning() {
    let sandbox = Sandbox::new(HARNESS);
    let good = sandbox.scenario("good", GOOD);
    let outcome = step(&sandbox, &["run", good.to_str().unwrap()], &sandbox.path("missing/summary.md"));
    outcome
        .assert_code(0)
        .assert_complains(&["warning: failed to write the summary of the step to", "missing/summary.md"]);
    assert_eq!(commands(&outcome.stdout), [""; 0]);
}

#[test]
fn a_run_elsewhere_writes_no_commands() {
    let sandbox = Sandbox::new(HARNESS);
    let (bad, summary) = (sandbox.scenario("bad", &GOOD.replace("0x10", "0x11")), sandbox.path("summary.md"));
    let outcome = run(sandbox.harness(&["run"]).arg(bad).env("GITHUB_STEP_SUMMARY", &summary));
    outcome.assert_code(1);
    assert!(!outcome.stdout.contains("::stop-commands") && !outcome.stdout.contains("::error"), "{}", outcome.stdout);
    assert!(!summary.exists());
}

/// A scenario of a pull request, and a performer, must not set outputs of the job.
#[test]
fn texts_of_scenarios_and_performers_are_no_commands() {
    let sandbox = Sandbox::new(HARNESS);
    let hostile =
        "x\\n::set-output name=a::b\\n::error::forged\\n##[add-mask]c\\n</code></summary></details><h1>`|[d](e)";
    let text = format!(
        "components: {{performer: {{environment: {{TASK_ERROR: \"{hostile}\"}}}}}}\nsteps:\n  - create_task: {{as: t, payload: \"0x04\"}}\n  - expect_verified: {{task: t, result: \"{hostile}\", within: 2s}}\n"
    );
    let (path, summary) = (sandbox.scenario("hostile", &text), sandbox.path("summary.md"));
    let outcome = step(&sandbox, &["run", path.to_str().unwrap()], &summary);
    outcome.assert_code(1);
    assert!(
        outcome.stdout.lines().any(|line| line.trim_start().starts_with("::set-output")),
        "the test tests nothing:\n{}",
        outcome.stdout
    );
    let found = commands(&outcome.stdout);
    assert!(
        !found.is_empty() && found.iter().all(|line| line.starts_with("::error file=own/hostile.yaml,line=")),
        "{found:#?}"
    );
    assert_eq!(commands(&outcome.stderr), [""; 0]);
    let summary = fs::read_to_string(summary).unwrap();
    let fences = summary.lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(fences, 2, "{summary}");
    assert_eq!(summary.lines().filter(|line| *line == "</details>").count(), 1, "{summary}");
}
