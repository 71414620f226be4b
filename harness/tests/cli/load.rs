//! `harness load`: tasks of real processes on real chains, their outcomes, their latencies, and the search for a rate.

use std::{fs, path::Path};

use hourglass_load::record::{LoadEvent, LoadRecord};
use hourglass_test_support::{LIMIT, Outcome, Running, Sandbox, eventually, run};
use hourglass_timeline::Event;
use rstest::rstest;
use rustix::process::Signal;
use serde_json::Value;

use crate::{HARNESS, schemas::assert_agrees};

/// A scenario whose performer takes so many milliseconds for each task.
fn slow(sandbox: &Sandbox, milliseconds: u32) -> std::path::PathBuf {
    let performer = format!("components: {{performer: {{environment: {{TASK_DELAY_MS: {milliseconds}}}}}}}\n");
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
    sandbox.scenario("slow", &format!("{performer}{steps}"))
}

/// The document, which agrees with its schema and whose numbers add up.
fn document(outcome: &Outcome) -> Value {
    read(&outcome.stdout)
}

fn read(text: &str) -> Value {
    assert_agrees("load-report", text);
    let document: Value = serde_json::from_str(text).unwrap();
    for load in document["loads"].as_array().unwrap() {
        let count = |name: &str| load["tasks"][name].as_u64().unwrap();
        assert_eq!(count("sent"), count("created") + count("refused") + count("unanswered"), "{load:#}");
        let ends = ["verified", "wrong", "expired", "not_verified"];
        assert_eq!(count("created"), ends.map(count).iter().sum::<u64>(), "{load:#}");
        let named = u64::try_from(load["not_verified"].as_array().unwrap().len()).unwrap();
        assert_eq!(named, (count("sent") + count("unsent") - count("verified")).min(100), "{load:#}");
        for phase in load["phases"].as_array().unwrap() {
            for since in ["since_due", "since_sent"] {
                let of = |name: &str| phase[since][name].as_f64().unwrap();
                assert!(of("p50_ms") <= of("p95_ms") && of("p95_ms") <= of("p99_ms"), "{phase:#}");
                assert!(of("p99_ms") <= of("max_ms") && of("count") >= 1.0, "{phase:#}");
            }
        }
    }
    document
}

/// Tasks of two payloads, so many at a time: each has its outcome, its phases and its share.
#[test]
fn a_load_accounts_for_every_task() {
    let sandbox = Sandbox::new(HARNESS);
    let mix = "mix:\n  - {payload: \"0x04\", weight: 4, result: \"0x10\"}\n  - {payload_hex: \"0x30783035\", result: \"0x19\"}\n";
    let mix = sandbox.file("mix.yaml", mix);
    let words = ["load", "--tasks", "50", "--concurrency", "8", "--json", "-", "--mix"];
    let outcome = run(sandbox.harness(&words).arg(&mix));
    outcome.assert_code(0).assert_complains(&["50 sent, 50 created, 50 verified", "ms since each task was sent"]);
    sandbox.assert_nothing_left();

    let document = document(&outcome);
    assert_eq!(document["outcome"]["kind"], "complete");
    let load = &document["loads"][0];
    assert_eq!((&load["tasks"]["verified"], &load["tasks"]["sent"]), (&50.into(), &50.into()), "{load:#}");
    assert!(load["throughput"].as_f64().is_some_and(|rate| rate > 0.0), "{load:#}");
    let phases: Vec<_> = load["phases"].as_array().unwrap().iter().map(|phase| &phase["phase"]).collect();
    let all = ["created", "observed", "dispatched", "performer started", "performer finished", "signed", "submitted"];
    assert!(all.iter().chain(&["verified"]).eq(phases.iter()), "{phases:?}");
    assert!(load["phases"].as_array().unwrap().iter().all(|phase| phase["since_due"]["count"] == 50), "{load:#}");
    let shares = load["payloads"].as_array().unwrap().iter();
    let shares: Vec<_> = shares.map(|one| [&one["payload_hex"], &one["tasks"]["verified"]]).collect();
    assert_eq!(
        shares,
        [["0x30783034".into(), Value::from(40)].each_ref(), ["0x30783035".into(), 10.into()].each_ref()]
    );
}

/// Reports and the comparison with other runtimes have the tasks of a load in the order in which they were due, whichever
/// was created first.
#[test]
fn tasks_are_reported_in_the_order_in_which_they_were_due() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:\n  - load: {concurrency: 12, tasks: 36, payload: \"0x04\", result: \"0x10\"}\n";
    let file = sandbox.scenario("in_order", steps);
    run(sandbox.harness(&["run", "--keep", "always"]).arg(&file)).assert_code(0);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let mut due: Vec<_> = timeline(&folder)
        .iter()
        .filter_map(|event| match LoadRecord::of(event)?.what {
            LoadEvent::Sent { index, .. } => Some((index, format!("{:?}", event.task_hash?))),
            LoadEvent::Missed { .. } | LoadEvent::Unsent { .. } => None,
        })
        .collect();
    due.sort_unstable();
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.join("trial.json")).unwrap()).unwrap();
    let tasks = report["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 36);
    assert!(due.iter().map(|(_, hash)| hash.as_str()).eq(tasks.iter().map(|task| task["hash"].as_str().unwrap())));
    sandbox.run(&["gc", folder.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    sandbox.assert_nothing_left();
}

/// Tasks are due at their rate and are sent then, although none of them is done before all are sent.
#[test]
fn a_rate_does_not_depend_on_the_ends_of_tasks() {
    let sandbox = Sandbox::new(HARNESS);
    let slow = slow(&sandbox, 3_000);
    let words = ["load", "--tasks", "10", "--rate", "10", "--keep", "always", "--json", "-"];
    let outcome = run(sandbox.harness(&words).arg(&slow));
    outcome.assert_code(0);
    let document = document(&outcome);
    let load = &document["loads"][0];
    assert_eq!((&load["rate"]["kept"], &load["pattern"]["rate"]), (&true.into(), &10.0.into()), "{load:#}");
    assert!(load["rate"]["created"].as_f64().is_some_and(|rate| (5.0..=10.5).contains(&rate)), "{load:#}");

    let [folder] = sandbox.run_folders().try_into().unwrap();
    let events = timeline(&folder);
    let sent = events.iter().filter_map(|event| match LoadRecord::of(event)?.what {
        LoadEvent::Sent { index, due, sent, .. } => Some((index, due, sent)),
        LoadEvent::Missed { .. } | LoadEvent::Unsent { .. } => None,
    });
    let mut sent: Vec<_> = sent.collect();
    sent.sort_unstable_by_key(|(index, ..)| *index);
    assert_eq!(sent.len(), 10);
    for pair in sent.windows(2) {
        assert_eq!(pair[1].1.duration_since(pair[0].1).as_millis(), 100, "tasks are due every tenth of a second");
    }
    assert!(sent.iter().all(|(_, due, sent)| sent >= due), "no task is sent before it is due: {sent:?}");
    let is_verified = |event: &&Event| event.event == Some("task_verified".parse().unwrap());
    let first = events.iter().filter(is_verified).map(|event| event.at).min().unwrap();
    assert!(sent.iter().all(|(_, _, sent)| *sent < first), "tasks waited for the end of others: {sent:?}, {first}");
    sandbox.run(&["gc", folder.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    sandbox.assert_nothing_left();
}

fn timeline(folder: &Path) -> Vec<Event> {
    let text = fs::read_to_string(folder.join("timeline.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The numbers, the reason and the hashes are shown, and the exit code is that of a failure.
#[test]
fn a_performer_that_is_too_slow_fails_the_load() {
    let sandbox = Sandbox::new(HARNESS);
    let slow = slow(&sandbox, 60_000);
    let (words, html) =
        (["load", "--tasks", "7", "--rate", "20", "--within", "1s", "--json", "-"], sandbox.path("load.html"));
    let outcome = run(sandbox.harness(&words).arg("--html").arg(&html).arg(&slow));
    let document = document(&outcome);
    let load = &document["loads"][0];
    assert_eq!(document["outcome"]["kind"], "tasks_not_verified");
    let counts = ["sent", "created", "verified", "not_verified"].map(|name| load["tasks"][name].as_u64().unwrap());
    assert_eq!(counts, [7, 7, 0, 7], "{load:#}");
    let hash = load["not_verified"][0]["hash"].as_str().unwrap();
    outcome.assert_code(1).assert_complains(&[
        "expected  7 tasks verified, each within 1s",
        "0 of 7 verified",
        "7 not verified in time",
        "performer_started of executor/operator",
        hash,
        "harness load --rate 20 --tasks 7 --within 1s",
    ]);
    let page = fs::read_to_string(html).unwrap();
    assert!(page.contains(hash) && page.contains("not verified in time"), "{page}");
    sandbox.assert_no_process();
}

/// A task that the aggregator gives up makes room for the next one at once, and only it is counted as not verified.
#[test]
fn a_task_that_is_given_up_does_not_use_up_its_time() {
    let sandbox = Sandbox::new(HARNESS);
    let mix = sandbox.file("mix.yaml", "mix:\n  - {payload: \"0x04\", weight: 3}\n  - {payload: no number}\n");
    let words = ["load", "--tasks", "8", "--concurrency", "1", "--within", "2m", "--json", "-", "--mix"];
    let outcome = run(sandbox.harness(&words).arg(&mix));
    outcome.assert_code(1);
    let document = document(&outcome);
    let load = &document["loads"][0];
    let counts = ["sent", "verified", "not_verified"].map(|name| load["tasks"][name].as_u64().unwrap());
    assert_eq!(counts, [8, 6, 2], "{load:#}");
    assert!(document["duration_ms"].as_f64().unwrap() < 100_000.0, "a task used up its two minutes: {document:#}");
}

/// A verified task whose result is not the expected one is no success.
#[test]
fn a_wrong_result_is_counted() {
    let sandbox = Sandbox::new(HARNESS);
    let mix = sandbox.file("mix.yaml", "mix: [{payload: \"0x04\", result: \"0x11\"}]\n");
    let outcome =
        run(sandbox.harness(&["load", "--tasks", "3", "--concurrency", "3", "--json", "-", "--mix"]).arg(&mix));
    outcome.assert_code(1).assert_complains(&["verified with another result", "0x11", "0x10"]);
    assert_eq!(document(&outcome)["loads"][0]["tasks"]["wrong"], 3);
}

/// What ran until then is shown, with its sums.
#[test]
fn an_interrupted_load_shows_what_there_is() {
    let sandbox = Sandbox::new(HARNESS);
    let json = sandbox.path("load.json");
    let mut command = sandbox.harness(&["load", "--tasks", "10000", "--rate", "5", "--json"]);
    let harness = Running::start(command.arg(&json));
    eventually(LIMIT, || {
        let logs = sandbox.run_folders().into_iter().map(|folder| folder.join("logs/aggregator.log"));
        let seen = logs.filter_map(|log| fs::read_to_string(log).ok()).any(|log| log.contains("quorum_reached"));
        if seen { Ok(()) } else { Err("no task has a quorum") }
    })
    .unwrap();
    harness.signal_group(Signal::INT);
    let outcome = harness.finish();
    outcome.assert_code(130).assert_shows(&["ended by the user before its end"]);
    let document = read(&fs::read_to_string(&json).unwrap());
    assert_eq!(document["outcome"]["kind"], "interrupted");
    let sent = document["loads"][0]["tasks"]["sent"].as_u64().unwrap();
    assert!((1..10_000).contains(&sent), "{document:#}");
    sandbox.assert_no_process();
}

/// A bound that always holds is held at the highest rate, after the rate was doubled.
#[test]
fn a_search_doubles_the_rate_while_the_bound_holds() {
    let sandbox = Sandbox::new(HARNESS);
    let words = ["load", "--find-rate", "max<=1m", "--rate", "5000", "--tasks", "4", "--json", "-"];
    let outcome = sandbox.run(&words);
    outcome.assert_code(0).assert_complains(&[
        "5000/s  4 tasks  max",
        "held",
        "holds at 10000/s",
        "no higher rate is tried",
    ]);
    let document = document(&outcome);
    let (search, loads) = (&document["search"], document["loads"].as_array().unwrap());
    assert_eq!((&search["rate"], &search["limit"]), (&10_000.0.into(), &"highest_rate".into()), "{search:#}");
    let rates: Vec<_> = search["probes"].as_array().unwrap().iter().map(|probe| probe["rate"].clone()).collect();
    assert_eq!(rates, [5_000.0, 10_000.0]);
    assert!(loads.len() == 2 && loads.iter().all(|load| load["tasks"]["verified"] == 4), "{loads:#?}");
    sandbox.assert_nothing_left();
}

/// Tasks that are slower than the bound at any rate: the lowest rate is tried, and the result is no success.
#[test]
fn a_search_that_finds_no_rate_fails() {
    let sandbox = Sandbox::new(HARNESS);
    let slow = slow(&sandbox, 500);
    let words = ["load", "--find-rate", "p50<=400ms", "--rate", "0.4", "--tasks", "2", "--json", "-"];
    let outcome = run(sandbox.harness(&words).arg(&slow));
    outcome.assert_code(1).assert_complains(&["p50<=400ms held at no rate that was tried"]);
    let document = document(&outcome);
    assert_eq!((&document["outcome"]["kind"], &document["search"]["rate"]), (&"no_rate_held".into(), &Value::Null));
    let probes = document["search"]["probes"].as_array().unwrap();
    let rates: Vec<_> = probes.iter().map(|probe| probe["rate"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.4, 0.2, 0.1]);
    assert!(probes.iter().all(|probe| probe["outcome"] == "broken"), "{probes:#?}");
}

/// What was asked for cannot be done: nothing is run, and the text names what to change.
#[rstest]
#[case::nothing(&[], "one of --rate, --concurrency and --find-rate is needed")]
#[case::no_end(&["--rate", "5"], "--tasks, --duration or both are needed")]
#[case::both(&["--rate", "5", "--concurrency", "5", "--tasks", "5"], "'--concurrency <C>'")]
#[case::search_at_a_time(&["--find-rate", "p99<=1s", "--concurrency", "5"], "'--concurrency <C>'")]
#[case::no_rate(&["--rate", "0", "--tasks", "5"], "a rate is between 0.01 and 10000 tasks a second")]
#[case::no_number(&["--rate", "fast", "--tasks", "5"], "it is no number of tasks a second")]
#[case::no_tasks(&["--rate", "5", "--tasks", "0"], "it must be a whole number from 1 to 100000")]
#[case::no_time(&["--rate", "5", "--duration", "0s"], "it must be longer than zero")]
#[case::no_limit(&["--rate", "5", "--tasks", "5", "--within", "0s"], "it must be longer than zero")]
#[case::no_bound(&["--find-rate", "p99<200ms"], "it has no `<=`")]
#[case::no_cluster(&["--rate", "5", "--tasks", "5", "--workers", "2"], "choose `--runtime kubernetes`")]
#[case::no_workers(&["--rate", "5", "--tasks", "5", "--workers", "0"], "it must be a whole number from 1 to 100")]
#[case::idle(&["--runtime", "kubernetes", "--concurrency", "2", "--tasks", "9", "--workers", "3"], "3 workers cannot share 2 tasks at a time")]
#[case::no_default(&["--rate", "5", "--tasks", "5", "--scenarios", "own"], "none is named, and there is no `square`")]
#[case::no_mix(&["--rate", "5", "--tasks", "5", "--mix", "nowhere.yaml"], "failed to read `nowhere.yaml`")]
#[case::bad_mix(&["--rate", "5", "--tasks", "5", "--mix", "mix.yaml"], "mix.yaml:2:")]
#[case::several(&["--rate", "5", "--tasks", "5", "process::*"], "give the name of one")]
#[case::no_payload(&["--rate", "5", "--tasks", "5", "own/none.yaml"], "--mix FILE")]
fn a_wrong_command_line_runs_nothing(#[case] words: &[&str], #[case] problem: &str) {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file("mix.yaml", "mix:\n  - {payload: \"0x04\", wieght: 3}\n");
    sandbox.scenario("none", "steps:\n  - expect_rejected: {payload: \"\", error: PayloadIsEmpty}\n");
    let outcome = run(sandbox.harness(&["load"]).args(words));
    outcome.assert_code(2).assert_complains(&[problem]);
    assert!(!sandbox.runs().exists(), "a trial was begun");
}
