//! Loads whose tasks are sent from inside the cluster: every worker sends its share, and one that is lost is reported with
//! everything that it did not do.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hourglass_load::record::{Creation, LoadEvent, LoadRecord};
use hourglass_test_support::{Outcome, Running, eventually, run};
use hourglass_timeline::Event;
use rustix::process::Signal;
use serde_json::Value;

use crate::cluster_trial::ClusterTrial;

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

fn count(load: &Value, name: &str) -> u64 {
    load["tasks"][name].as_u64().unwrap()
}

/// The only load of a report whose numbers add up.
fn load_of(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let load = document["loads"][0].clone();
    let of = |name: &str| count(&load, name);
    assert_eq!(of("sent"), of("created") + of("refused") + of("unanswered"), "{load:#}");
    let ends = ["verified", "wrong", "expired", "not_verified"];
    assert_eq!(of("created"), ends.map(of).iter().sum::<u64>(), "{load:#}");
    load
}

/// The indices of the tasks that each worker has sent, in order.
fn by_worker(folder: &Path) -> BTreeMap<u32, Vec<u64>> {
    let text = fs::read_to_string(folder.join("timeline.jsonl")).unwrap();
    let mut by_worker: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in text.lines() {
        let event: Event = serde_json::from_str(line).unwrap();
        if let Some(LoadEvent::Sent { index, worker, creation, .. }) = LoadRecord::of(&event).map(|record| record.what)
        {
            assert_eq!(creation, Creation::Created, "{line}");
            by_worker.entry(worker.unwrap()).or_default().push(index);
        }
    }
    for indices in by_worker.values_mut() {
        indices.sort_unstable();
    }
    by_worker
}

fn only_folder(test: &ClusterTrial) -> PathBuf {
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    folder
}

fn end_kept(test: &ClusterTrial, folder: &Path) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    run(&mut test.command(&["gc", name])).assert_code(0);
    test.assert_swept();
}

/// A closed loop and a rate: all tasks are verified, each worker has sent exactly its share, and nothing of the workers is in
/// the namespace, whose other pods run on.
pub(crate) fn each_worker_sends_its_share() {
    for pattern in [["--rate", "20"], ["--concurrency", "4"]] {
        let test = ClusterTrial::new();
        let scenario = test.scenario(STEPS);
        let words =
            ["load", "--runtime", "kubernetes", "--workers", "3", "--tasks", "40", "--keep", "always", "--json", "-"];
        let outcome = run(test.command(&words).args(pattern).arg(&scenario));
        outcome
            .assert_code(0)
            .assert_complains(&["sent by 3 workers in the cluster", "40 sent, 40 created, 40 verified"]);
        let load = load_of(&outcome.stdout);
        assert_eq!((count(&load, "verified"), count(&load, "unsent")), (40, 0), "{load:#}");
        assert_eq!(load["pattern"]["workers"], 3, "{load:#}");
        assert!(load["phases"].as_array().unwrap().iter().all(|phase| phase["since_sent"]["count"] == 40), "{load:#}");

        let folder = only_folder(&test);
        let sent = by_worker(&folder);
        let shares =
            (0..3_u32).map(|worker| (worker, (0..40).filter(|index| index % 3 == u64::from(worker)).collect()));
        assert_eq!(sent, shares.collect(), "task i belongs to worker i modulo 3");
        let (pods, objects) = (test.in_cluster(), test.objects_of_loads());
        assert!(pods.iter().any(|name| name.starts_with("aggregator-")), "the environment is not kept: {pods:?}");
        assert!(!pods.iter().any(|name| name.starts_with("load-")), "a worker is left: {pods:?}");
        assert_eq!(objects, [""; 0], "objects of the load are left");
        end_kept(&test, &folder);
    }
}

/// Starts a load that takes long, and waits until worker 1 has sent a task.
fn started(test: &ClusterTrial, words: &[&str]) -> Running {
    let scenario = test.scenario(STEPS);
    let all = ["load", "--runtime", "kubernetes", "--workers", "3"];
    let harness = Running::start(test.command(&all).args(words).arg(&scenario));
    eventually(Duration::from_mins(3), || {
        let logs = test.sandbox.run_folders().into_iter().flat_map(|folder| fs::read_dir(folder.join("logs")));
        let entries = logs.flatten().filter_map(Result::ok);
        let of_worker = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("load-1-1-"));
        let has_created = |text: String| text.contains(r#""load":"created""#);
        let seen = of_worker.filter_map(|entry| fs::read_to_string(entry.path()).ok()).any(has_created);
        if seen { Ok(()) } else { Err("worker 1 has created no task") }
    })
    .unwrap();
    harness
}

/// The other workers go on; what the lost one has sent is judged, what it has not is said to be unsent, and its pod is named.
#[track_caller]
fn assert_worker_is_lost(outcome: &Outcome, how: &str) {
    outcome.assert_code(1).assert_complains(&["worker 1 (pod load-1-1-", how, "its last output:", "not sent"]);
    let load = load_of(&outcome.stdout);
    let (sent, unsent) = (count(&load, "sent"), count(&load, "unsent"));
    assert_eq!(sent + unsent, 60, "a task is not accounted for: {load:#}");
    // Twenty are its share, and it has sent one at least; the task under way may have no answer.
    assert!((1..=19).contains(&unsent) && count(&load, "unanswered") <= 1, "{load:#}");
    assert_eq!(count(&load, "verified"), count(&load, "created"), "the tasks of the others: {load:#}");
    let of_worker = load["not_verified"].as_array().unwrap().iter();
    assert!(of_worker.clone().all(|task| task["index"].as_u64().unwrap() % 3 == 1), "{load:#}");
    assert!(of_worker.clone().filter(|task| task["outcome"] == "unsent").count() as u64 == unsent, "{load:#}");
}

pub(crate) fn a_worker_that_is_killed_is_reported() {
    let test = ClusterTrial::new();
    let harness = started(&test, &["--rate", "6", "--tasks", "60", "--json", "-"]);
    test.kill_process_of_pod("load-1-1-");
    assert_worker_is_lost(&harness.finish(), "ended with exit code 137");
    test.assert_nothing_runs();
}

pub(crate) fn a_worker_whose_pod_is_deleted_is_reported() {
    let test = ClusterTrial::new();
    let harness = started(&test, &["--rate", "6", "--tasks", "60", "--json", "-"]);
    test.delete_pod("load-1-1-");
    assert_worker_is_lost(&harness.finish(), "ended with ");
    test.assert_nothing_runs();
}

/// Nobody sends tasks any more when the harness is gone.
pub(crate) fn a_killed_harness_leaves_no_worker() {
    let test = ClusterTrial::new();
    let harness = started(&test, &["--rate", "6", "--tasks", "10000"]);
    harness.signal_group(Signal::KILL);
    harness.finish();
    test.assert_swept();
}

pub(crate) fn an_interrupted_load_leaves_no_worker() {
    let test = ClusterTrial::new();
    let json = test.sandbox.path("load.json");
    let harness = started(&test, &["--rate", "6", "--tasks", "10000", "--json", json.to_str().unwrap()]);
    harness.signal_group(Signal::INT);
    harness.finish().assert_code(130).assert_shows(&["ended by the user before its end"]);
    let load = load_of(&fs::read_to_string(&json).unwrap());
    assert!((1..10_000).contains(&count(&load, "sent")) && count(&load, "unsent") == 0, "{load:#}");
    test.assert_swept();
}
