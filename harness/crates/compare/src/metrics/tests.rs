use std::{collections::BTreeMap, path::Path, time::Duration};

use hourglass_base::RuntimeKind;
use hourglass_component::events::TaskEvent;
use hourglass_proto::messages::parse_task_hash;
use hourglass_runner::verdict::{
    ComponentUsage, Phase, StepOutcome, StepReport, TaskGas, TaskPhases, TaskReport, TrialReport, Verdict,
};
use hourglass_scenario::{Chain, Loader, Trial};
use hourglass_timeline::{Event, Source, Trace};
use jiff::Timestamp;

use super::of_trial;

const SCENARIO: &str = "name: own
description: A user's own.
steps:
  - create_task: {payload: \"1\"}
  - kill: {component: aggregator}
  - restart: {component: aggregator}
  - expect_verified: {}
";

fn trial() -> Trial {
    let file = Loader::new().unwrap().parse(Path::new("own.yaml"), SCENARIO.to_owned()).unwrap();
    file.trials(&[RuntimeKind::Process]).remove(0)
}

fn hash(index: usize) -> String {
    format!("0x{index:064x}")
}

fn event(source: Source, milliseconds: i64, message: &str) -> Event {
    let at = Timestamp::from_millisecond(milliseconds).unwrap();
    Event { at, source, ..Event::of_harness(message) }
}

fn on_chain(word: TaskEvent, index: usize, milliseconds: i64) -> Event {
    let task_hash = parse_task_hash(&hash(index));
    Event { event: Some(word), task_hash, ..event(Source::Chain(Chain::L2), milliseconds, "") }
}

fn task(index: usize, verified: f64) -> TaskReport {
    TaskReport {
        avs: None,
        alias: "task".to_owned(),
        hash: hash(index),
        chain: "l2".to_owned(),
        status: "verified".to_owned(),
        phases: TaskPhases {
            created: Some(0.0),
            observed: Some(2.0),
            verified: Some(verified),
            ..TaskPhases::default()
        },
        gas: TaskGas { created: Some(180_000), verified: Some(310_000 + index as u64) },
    }
}

fn step(title: &str, line: usize, began: u64, duration: u64) -> StepReport {
    StepReport {
        title: title.to_owned(),
        place: format!("own.yaml:{line}"),
        line,
        outcome: StepOutcome::Done,
        began: Some(Duration::from_millis(began)),
        duration: Some(Duration::from_millis(duration)),
    }
}

fn report(tasks: Vec<TaskReport>, events: Vec<Event>) -> TrialReport {
    let phase =
        |name: &str, milliseconds| Phase { name: name.to_owned(), duration: Duration::from_millis(milliseconds) };
    TrialReport {
        trial: "process::own".to_owned(),
        scenario: "own.yaml".into(),
        runtime: "process".to_owned(),
        started: Timestamp::UNIX_EPOCH,
        duration: Duration::from_millis(900),
        phases: vec![phase("chain state", 20), phase("chains", 70)],
        verdict: Verdict::Passed,
        steps: vec![step("create_task", 4, 200, 10), step("kill (the end)", 5, 220, 30), step("restart", 6, 260, 40)],
        tasks,
        usage: vec![ComponentUsage {
            component: "control plane".to_owned(),
            cpu_seconds: Some(0.5),
            peak_memory_bytes: None,
        }],
        directory: "run".into(),
        kept: false,
        trace: Trace::default(),
        events: events.into(),
        running: BTreeMap::new(),
        options: [].into(),
    }
}

#[test]
fn a_trial_has_its_phases_and_those_of_its_task() {
    let images = Event::images_delivered(Duration::from_millis(250));
    let values = of_trial(&report(vec![task(1, 30.0)], vec![images]), &trial().scenario);
    let expected = [
        ("cpu.control_plane", 0.5),
        ("gas", 490_001.0),
        ("images", 250.0),
        ("observed", 2.0),
        ("phase.chain_state", 20.0),
        ("phase.chains", 70.0),
        ("trial", 900.0),
        ("verified", 30.0),
    ];
    assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)).into());
}

/// The harness may see the creation of a task after all others, and at worst with its verification.
#[test]
fn a_task_begins_when_it_is_first_seen() {
    let observed = Event {
        event: Some(TaskEvent::TaskObserved),
        task_hash: parse_task_hash(&hash(1)),
        ..event(Source::Component("aggregator".parse().unwrap()), 1_002, "task observed")
    };
    let events =
        vec![observed, on_chain(TaskEvent::TaskCreated, 1, 1_036), on_chain(TaskEvent::TaskVerified, 1, 1_036)];
    let values = of_trial(&report(vec![task(1, 0.0)], events), &trial().scenario);
    assert!((values["verified"] - 34.0).abs() < 1e-9 && values["observed"].abs() < 1e-9, "{values:?}");
}

/// Ten tasks, created together and verified every 10 ms.
#[test]
fn many_tasks_have_a_tail_and_a_throughput() {
    let tasks = (1..=10_u32).map(|index| task(index as usize, f64::from(index) * 10.0)).collect();
    let mut events: Vec<_> = (1..=10).map(|index| on_chain(TaskEvent::TaskCreated, index, 1_000)).collect();
    events.extend(
        (1..=10).map(|index| on_chain(TaskEvent::TaskVerified, index, 1_000 + 10 * i64::try_from(index).unwrap())),
    );
    let values = of_trial(&report(tasks, events), &trial().scenario);
    assert!((values["verified"] - 55.0).abs() < 1e-9 && (values["verified_p95"] - 95.5).abs() < 1e-9, "{values:?}");
    assert!((values["throughput"] - 100.0).abs() < 1e-9, "{values:?}");
}

/// From the end of each fault, at 250 and 300 ms after the start, to the next verification.
#[test]
fn recovery_ends_with_the_next_verified_task() {
    let verified = [240, 320].map(|at| on_chain(TaskEvent::TaskVerified, 1, at));
    let values = of_trial(&report(vec![task(1, 30.0)], verified.into()), &trial().scenario);
    assert!((values["recovery.kill_5"] - 70.0).abs() < 1e-9, "{values:?}");
    assert!((values["recovery.restart_6"] - 20.0).abs() < 1e-9, "{values:?}");
    let values = of_trial(&report(vec![task(1, 30.0)], Vec::new()), &trial().scenario);
    assert!(!values.contains_key("recovery.kill_5"), "nothing was verified: {values:?}");
}

/// A performer that is put in service again later does not count.
#[test]
fn a_performer_is_ready_when_it_is_in_service() {
    let executor = Source::Component("executor/alice".parse().unwrap());
    let mut listening = event(executor.clone(), 100, "listening");
    listening.fields.insert("listening".to_owned(), "127.0.0.1:1".into());
    let service = [400, 900].map(|at| event(executor.clone(), at, "performer in service"));
    let events = [listening].into_iter().chain(service).collect();
    let values = of_trial(&report(Vec::new(), events), &trial().scenario);
    assert!((values["performer_ready"] - 300.0).abs() < 1e-9, "{values:?}");
}
