//! Archives of the evidence of trials that did not pass: what is in them, what is not, and what they take.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use hourglass_test_support::{Sandbox, test_cache};

use crate::{
    HARNESS,
    archive::{Archive, FIRST_PAGE, assert_folder_without, keys, run_ids},
};

/// What an archive may take.
const LARGEST: u64 = 20_000_000;
const LONGEST: Duration = Duration::from_secs(10);

/// A trial that fails because its performer is wrong.
const WRONG: &str = "components: {performer: {environment: {TASK_WRONG_RESULT: true}}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\"}
";

/// A failed trial in a sandbox.
fn failed(scenario: &str, more: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("broken", scenario);
    let arguments = [&["run", path.to_str().unwrap()], more].concat();
    sandbox.run(&arguments).assert_code(1);
    sandbox
}

#[test]
fn a_failed_trial_is_packed_with_its_first_page_first() {
    let sandbox = failed(WRONG, &[]);
    let [run] = run_ids(&sandbox.run_folders()).try_into().unwrap();
    let outcome = sandbox.run(&["bundle", &run[..6]]);
    let name = format!("hourglass-{run}.tar.gz");
    outcome.assert_code(0).assert_shows(&[&format!("{name}: ")]);
    assert_eq!(fs::metadata(sandbox.path(&name)).unwrap().permissions().mode() & 0o777, 0o600);
    let archive = Archive::open(&sandbox.path(&name));
    let page = archive.first_page();
    for part in [
        "# process::broken: failed\n",
        "    expected  result \"0x10\"\n",
        "## Steps\n",
        "## Last lines of performer/operator\n",
        "own process::broken\n",
        "## Left out of this archive\n",
    ] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    for name in
        ["timeline.jsonl", "scenario.yaml", "harness.log", "executor-operator.yaml", "logs/performer-operator.log"]
    {
        assert!(!archive.text(name).is_empty(), "{name} is empty");
    }
    let again = sandbox.path("again.tar.gz");
    sandbox.run(&["bundle", "--output", again.to_str().unwrap()]).assert_code(0);
    assert_eq!(Archive::open(&again).names, archive.names, "the latest run, in the same order");
}

#[test]
fn each_trial_that_does_not_pass_is_packed_by_run() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("broken", WRONG);
    let into = sandbox.path("ci/failures");
    let arguments = ["run", path.to_str().unwrap(), "--bundle", into.to_str().unwrap()];
    sandbox.run(&arguments).assert_code(1).assert_complains(&["process::broken: ", "of evidence in "]);
    assert!(Archive::in_folder(&into).first_page().starts_with("# process::broken: failed\n"));
    let into = sandbox.path("ci/none");
    sandbox.run(&["run", "square", "--bundle", into.to_str().unwrap()]).assert_code(0);
    assert_eq!(fs::read_dir(into).unwrap().count(), 0, "a trial that passed was packed");
}

#[test]
fn a_folder_for_archives_that_cannot_be_made_is_refused_before_anything_is_run() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "square", "--bundle", "/proc/nowhere"]).assert_code(3).assert_complains(&["/proc/nowhere"]);
    assert_eq!(sandbox.run_folders().len(), 0);
}

#[test]
fn a_run_without_a_folder_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["bundle"]).assert_code(2).assert_complains(&["no run has a folder"]);
    sandbox.run(&["bundle", ""]).assert_code(2).assert_complains(&["a value is required for '[RUN]'"]);
    sandbox.run(&["bundle", "--output", "-"]).assert_code(2).assert_complains(&["name a file with --output"]);
    sandbox.run(&["bundle", "r1"]).assert_code(2).assert_complains(&["no run r1 has a folder", "harness runs list"]);
}

/// Keys of every account of the trial, as text and as bytes, in any file.
#[test]
fn neither_the_folder_of_a_failed_trial_nor_its_archive_has_a_key() {
    let sandbox = failed(WRONG, &["--bundle", "failures"]);
    let keys = keys(&test_cache(HARNESS), &["operator"]);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    assert_folder_without(&folder, &keys);
    Archive::in_folder(&sandbox.path("failures")).assert_without(&keys);
}

/// A component may write its configuration into its log, as it is or encoded.
#[test]
fn keys_that_a_component_has_logged_are_not_in_the_archive() {
    let script = "for word; do test -f $word && cat $word && base64 -w0 $word; done; exec $0 $*";
    let command = format!("[sh, -c, \"{script}\", {HARNESS}, component, executor]");
    let scenario = WRONG.replace("performer: {", &format!("executor: {{command: {command}}}, performer: {{"));
    let sandbox = failed(&scenario, &["--bundle", "failures"]);
    let keys = keys(&test_cache(HARNESS), &["operator"]);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let log = fs::read_to_string(folder.join("logs/executor-operator.log")).unwrap();
    assert!(log.contains(keys.last().unwrap().trim_start_matches("0x")), "the executor has not logged its key:\n{log}");
    let archive = Archive::in_folder(&sandbox.path("failures"));
    archive.assert_without(&keys);
    assert!(archive.text("logs/executor-operator.log").contains("(left out)"));
}

/// The components of a kept trial still read their configurations, with their keys.
#[test]
fn the_archive_of_a_trial_that_still_runs_has_no_key() {
    let sandbox = failed(WRONG, &["--keep", "failed"]);
    let keys = keys(&test_cache(HARNESS), &["operator"]);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let config = fs::read_to_string(folder.join("executor-operator.yaml")).unwrap();
    assert!(config.contains(keys.last().unwrap().trim_start_matches("0x")), "it has no key:\n{config}");
    sandbox.run(&["bundle", "--output", "kept.tar.gz"]).assert_code(0);
    let archive = Archive::open(&sandbox.path("kept.tar.gz"));
    archive.assert_without(&keys);
    assert!(archive.text("executor-operator.yaml").contains("(left out)"));
    sandbox.run(&["gc"]).assert_code(0);
}

#[test]
fn a_trial_with_200_mb_of_logs_is_packed_within_the_limits() {
    let sandbox = failed(WRONG, &[]);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    for name in ["aggregator", "executor-operator", "chain-31337", "chain-31338"] {
        flood(&folder.join(format!("logs/{name}.log")), 50 << 20);
    }
    let began = Instant::now();
    let outcome = sandbox.run(&["bundle", "--output", "large.tar.gz"]);
    let took = began.elapsed();
    outcome.assert_code(0).assert_shows(&["left out  logs/aggregator.log: "]);
    let size = fs::metadata(sandbox.path("large.tar.gz")).unwrap().len();
    assert!(size <= LARGEST, "{size} bytes");
    assert!(took <= LONGEST, "it took {took:?}");
    let archive = Archive::open(&sandbox.path("large.tar.gz"));
    let log = archive.text("logs/aggregator.log");
    assert!(log.contains("are left out here by the harness]\n") && log.ends_with("the last line\n"));
    assert_eq!(archive.names.first().map(String::as_str), Some(FIRST_PAGE));
    assert!(archive.names.last().unwrap().starts_with("logs/"), "{:?}", archive.names);
}

/// Appends lines as components write them.
fn flood(path: &Path, bytes: usize) {
    let mut file = File::options().append(true).open(path).unwrap();
    let lines = (0..4000_u64).map(|line| {
        let noise = line.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{{\"timestamp\":\"2026-03-01T12:00:00.{line:06}Z\",\"level\":\"INFO\",\"message\":\"{noise:016x}\"}}\n"
        )
    });
    let lines = lines.collect::<Vec<_>>().concat();
    for _ in 0..bytes / lines.len() {
        file.write_all(lines.as_bytes()).unwrap();
    }
    file.write_all(b"the last line\n").unwrap();
}
