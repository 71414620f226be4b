//! Traces are what their viewers require.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_component::keys::H256;
use hourglass_runner::verdict::{StepOutcome, TaskPhases};
use hourglass_scenario::{Chain, ComponentRef};
use hourglass_timeline::Level;

use super::*;
use crate::samples;

/// A trial with two tasks that overlap, steps side by side, and every source.
fn sample() -> (TrialReport, Vec<Event>) {
    let mut report = samples::failed();
    let hashes = [H256::repeat_byte(1), H256::repeat_byte(2)];
    let phases = TaskPhases {
        created: Some(0.0),
        observed: Some(2.0),
        performer_started: Some(3.5),
        performer_finished: Some(6.0),
        submitted: Some(9.25),
        verified: Some(8.5),
        ..TaskPhases::default()
    };
    let task = report.tasks.remove(0);
    report.tasks =
        hashes.map(|hash| TaskReport { hash: format!("{hash:?}"), phases: phases.clone(), ..task.clone() }).into();
    let step = report.steps[0].clone();
    let at = |title: &str, began: u64, duration: Option<u64>| {
        let outcome = if duration.is_some() { StepOutcome::Done } else { StepOutcome::NotEnded };
        let (began, duration) = (Some(Duration::from_millis(began)), duration.map(Duration::from_millis));
        hourglass_runner::verdict::StepReport { title: title.to_owned(), outcome, began, duration, ..step.clone() }
    };
    report.steps = vec![
        at("parallel", 700, Some(50)),
        at("one", 700, Some(20)),
        at("other", 710, Some(30)),
        at("open", 760, None),
        report.steps[1].clone(),
    ];
    let sources = [
        Source::Chain(Chain::L2),
        Source::Component(ComponentRef::Aggregator),
        Source::Component(ComponentRef::Executor("alice".to_owned())),
        Source::Component(ComponentRef::performer("alice")),
        Source::Harness,
    ];
    let words = [TaskEvent::TaskCreated, TaskEvent::TaskObserved, TaskEvent::PerformerStarted];
    let mut entries = Vec::new();
    for (offset, hash) in (0..).zip(hashes) {
        for (index, source) in (0..).zip(&sources) {
            let mut event = samples::event(700 + offset + 2 * index, "said");
            event.source = source.clone();
            event.event = words.get(usize::try_from(index).unwrap()).copied();
            event.level = Some(Level::Info);
            event.task_hash = Some(hash);
            entries.push(event);
        }
        let mut finished = samples::event(720 + offset, "finished");
        finished.source = sources[2].clone();
        finished.event = Some(TaskEvent::PerformerFinished);
        finished.task_hash = Some(hash);
        entries.push(finished);
    }
    // Its clock was behind that of the harness.
    entries.push(samples::event(-5, "before the start"));
    (report, entries)
}

fn rendered(report: &TrialReport, entries: &[Event]) -> Vec<Value> {
    let trace: Value = serde_json::from_str(&chrome_trace(report, entries).unwrap()).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

/// The rules of the format, for the kinds of events that are used.
fn assert_valid(events: &[Value]) {
    let number = |event: &Value, key: &str| event[key].as_u64().unwrap_or_else(|| panic!("no {key}: {event}"));
    let mut last = 0;
    let mut named = BTreeSet::new();
    let mut open: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut used = BTreeSet::new();
    let mut spans: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for event in events {
        let (at, lane) = (number(event, "ts"), (number(event, "pid"), number(event, "tid")));
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        assert!(at >= last, "earlier than the one before: {event}");
        last = at;
        assert!(!text("name").is_empty(), "no name: {event}");
        let operation = (text("cat"), text("id"));
        match text("ph").as_str() {
            "M" => {
                named.insert(lane);
                continue;
            }
            "X" => {
                let end = at + number(event, "dur");
                let outer = spans.entry(lane.1).or_default();
                outer.retain(|outer| *outer > at);
                assert!(outer.iter().all(|outer| *outer >= end), "it overlaps another of its lane: {event}");
                outer.push(end);
            }
            "b" => {
                let stack = open.entry(operation.clone()).or_default();
                assert!(!stack.is_empty() || used.insert(operation), "its id is used twice: {event}");
                stack.push(text("name"));
            }
            "e" => {
                let begun = open.get_mut(&operation).and_then(Vec::pop);
                assert_eq!(begun, Some(text("name")), "it ends what has not begun: {event}");
            }
            "i" => assert_eq!(event["s"], "t", "{event}"),
            other => panic!("{other} is not used: {event}"),
        }
        assert!(named.contains(&lane), "its lane has no name: {event}");
    }
    let left: Vec<_> = open.into_iter().filter(|(_, stack)| !stack.is_empty()).collect();
    assert!(left.is_empty(), "they do not end: {left:?}");
    let threads: BTreeSet<_> = named.iter().map(|(_, tid)| tid).collect();
    assert_eq!(threads.len(), named.len(), "the number of a thread is used twice");
}

#[test]
fn a_trace_follows_the_rules_of_the_format() {
    let (report, entries) = sample();
    let events = rendered(&report, &entries);
    assert_valid(&events);
    let names: Vec<_> = events.iter().map(|event| event["name"].as_str().unwrap()).collect();
    for name in ["stand-up", "parallel", "other", "open", "performer started", "verified", "performer: square"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    let begun = events.iter().filter(|event| event["ph"] == "b" && event["cat"] == "task").count();
    assert_eq!(begun, 2 * 6, "two tasks, each with five phases");
    let lanes: BTreeSet<_> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    let expected =
        ["phases", "steps", "steps 2", "records", "tasks", "l2", "aggregator", "executor/alice", "performer/alice"];
    assert_eq!(lanes, expected.into());
}

#[test]
fn a_trial_without_entries_or_steps_has_a_valid_trace() {
    for report in [samples::passed(), samples::broken(), samples::interrupted()] {
        assert_valid(&rendered(&report, &[]));
    }
}

#[test]
fn names_are_safe_to_show_and_of_bounded_length() {
    let (mut report, mut entries) = sample();
    let hostile = format!("\u{1b}[2J\u{202e}\r\n</script>{}", "x".repeat(1 << 20));
    report.steps[0].title.clone_from(&hostile);
    report.tasks[0].alias.clone_from(&hostile);
    entries[0].message.clone_from(&hostile);
    entries[1].fields.insert(hostile.clone(), "\u{9b}".into());
    let text = chrome_trace(&report, &entries).unwrap();
    assert!(!text.contains(hourglass_component::text::is_harmful));
    let events = rendered(&report, &entries);
    assert_valid(&events);
    assert!(events.iter().all(|event| event["name"].as_str().unwrap().len() < NAME + 100));
}
