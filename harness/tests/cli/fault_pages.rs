//! The first page of an archive names the fault that was planted, and there is no archive without the fault.

use std::{
    fs,
    time::{Duration, Instant},
};

use hourglass_test_support::{Running, Sandbox, run};
use rustix::process::Signal;
use serde_json::Value;

use crate::{HARNESS, archive::Archive};

const ONE_TASK: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
/// A key of nobody in a trial.
const OTHER_KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

/// Runs one task with these components, and returns the archive of its failure; `None` if it has passed.
fn archive_of(components: &str) -> Option<Archive> {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("planted", &format!("components: {components}\n{ONE_TASK}"));
    let outcome = sandbox.run(&["run", path.to_str().unwrap(), "--bundle", "failures"]);
    sandbox.assert_no_process();
    match outcome.status.code() {
        Some(0) => assert_eq!(fs::read_dir(sandbox.path("failures")).unwrap().count(), 0),
        _ => return Some(Archive::in_folder(&sandbox.path("failures"))),
    }
    None
}

#[track_caller]
fn assert_names(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
}

#[test]
fn performer_that_panics_is_named_with_its_message() {
    let performer = |before: &str| {
        format!("{{performer: {{command: [sh, -c, \"{before}exec $0 component performer\", {HARNESS}]}}}}")
    };
    let panic = "echo thread main panicked at src/abacus.rs:7:5: out of beads >&2; exit 101; ";
    let archive = archive_of(&performer(panic)).expect("a performer that panics passes");
    let page = archive.first_page();
    assert_names(
        &page,
        &["start of performer/operator", "exit status: 101", "panicked at src/abacus.rs:7:5: out of beads"],
    );
    assert_names(&page, &["## Last lines of performer/operator\n"]);
    assert!(archive.text("logs/performer-operator.log").contains("out of beads"));
    // It fails before there are steps.
    let l1: Value = serde_json::from_slice(&archive.files["chains/l1.json"]).unwrap();
    assert!(l1["head"].as_u64() > Some(0) && !l1["transactions"].as_array().unwrap().is_empty(), "{l1:#}");
    assert!(archive_of(&performer("")).is_none(), "it fails without the fault");
}

#[test]
fn an_executor_that_signs_with_a_wrong_key_is_named_with_both_addresses() {
    let executor = |edit: &str| {
        let script = format!("for word; do test -f $word && sed -i '{edit}' $word; done; exec $0 $*");
        format!("{{executor: {{command: [sh, -c, \"{script}\", {HARNESS}, component, executor]}}}}")
    };
    let wrong = format!("/signingKeys/,$ s/[0-9a-f]\\\\{{64\\\\}}/{OTHER_KEY}/");
    let archive = archive_of(&executor(&wrong)).expect("a task that is signed with a wrong key is verified");
    let signer = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";
    let named = format!("the result signature is by {signer} and not by 0x");
    assert_names(
        &archive.first_page(),
        &["no result can reach the threshold", &named, "## Last lines of aggregator\n"],
    );
    let l2: Value = serde_json::from_slice(&archive.files["chains/l2.json"]).unwrap();
    let transactions = l2["transactions"].as_array().unwrap();
    let created = transactions.iter().find(|it| it["call"].as_str().unwrap().starts_with("createTask(")).unwrap();
    assert_eq!((&created["contract"], &created["status"]), (&"TaskMailbox".into(), &"success".into()));
    let events: Vec<_> = created["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert!(events.contains(&&"TaskCreated".into()), "{created:#}");
    assert!(archive.files["chains/l2.state.json.gz"].starts_with(&[0x1f, 0x8b]), "the state is not packed");
    assert!(archive_of(&executor("")).is_none(), "it fails without the fault");
}

/// Nothing else is wrong with the trial, and the chains tell what happened all the same.
#[test]
fn chains_are_kept_if_an_error_in_a_log_is_all_that_failed() {
    let aggregator = |before: &str| {
        format!("{{aggregator: {{command: [sh, -c, '{before}exec $0 component aggregator $*', {HARNESS}]}}}}")
    };
    let noisy = r#"printf "%s\\n" "{\"level\":\"error\",\"msg\":\"lost a peer\"}"; "#;
    let archive = archive_of(&aggregator(noisy)).expect("an error in a log passes");
    assert_names(&archive.first_page(), &["no ERROR in a log", "aggregator: lost a peer"]);
    assert!(archive.text("chains/l2.json").contains("submitResult("));
    assert!(archive_of(&aggregator("")).is_none(), "it fails without the fault");
}

/// The chain neither ends nor answers; the evidence does not wait for it.
#[test]
fn stalled_chain_is_named_with_its_address() {
    let sandbox = Sandbox::new(HARNESS);
    let slow = format!("components: {{performer: {{environment: {{TASK_DELAY_MS: 3000}}}}}}\n{ONE_TASK}");
    let path = sandbox.scenario("planted", &slow);
    let run = |stalled: bool, into: &str| {
        let harness = Running::start(sandbox.harness(&["run", "--bundle", into]).arg(&path));
        let folder = sandbox.wait_for_log("executor-operator.log", "performer_started");
        if stalled {
            sandbox.signal_process("--chain-id 31338", Signal::STOP);
        }
        let outcome = harness.finish();
        fs::remove_dir_all(folder).ok();
        outcome
    };
    run(false, "none").assert_code(0);
    assert_eq!(fs::read_dir(sandbox.path("none")).unwrap().count(), 0, "it fails without the fault");
    let began = Instant::now();
    run(true, "failures").assert_code(3);
    assert!(began.elapsed() < Duration::from_mins(1), "it took {:?}", began.elapsed());
    let archive = Archive::in_folder(&sandbox.path("failures"));
    assert_names(
        &archive.first_page(),
        &["## The environment failed\n", "chain 31338 at http://127.0.0.1:", "did not answer"],
    );
    assert!(archive.text("chains/l2.json").contains("does not tell its last block"));
    assert!(archive.text("chains/l1.json").contains("\"head\""));
}

/// A limit of file sizes acts like a full disk. The archive is made from what the harness knows: its folder may have no
/// first page.
#[test]
fn full_disk_is_named_with_the_folder() {
    let sandbox = Sandbox::new(HARNESS);
    let limited = |limit: &str, into: &str| {
        let mut command = sandbox.command("sh");
        command.args([
            "-c",
            &format!("ulimit -f {limit} && exec \"$@\""),
            "sh",
            HARNESS,
            "run",
            "square",
            "--bundle",
            into,
        ]);
        run(&mut command)
    };
    limited("100", "failures").assert_code(3);
    let page = Archive::in_folder(&sandbox.path("failures")).first_page();
    let folder = sandbox.runs().display().to_string();
    assert_names(&page, &["# process::square: environment failed\n", "File too large", &folder]);
    limited("unlimited", "none").assert_code(0);
    assert_eq!(fs::read_dir(sandbox.path("none")).unwrap().count(), 0, "it fails without the fault");
}
