//! The latency of tasks by phase, and their throughput.

use std::collections::{BTreeMap, HashMap, HashSet};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_proto::messages::parse_task_hash;
use hourglass_runner::verdict::{TaskPhases, TaskReport, TrialReport};
use hourglass_timeline::{Event, Source, by_task};

use super::names;
use crate::stats::{float, median, p95};

/// From this number of verified tasks on, a trial has a tail and a throughput.
const MANY: usize = 10;

/// The median of the trial's tasks for each phase and for gas and, if it has many tasks, their 95th percentile and throughput.
pub(super) fn of(report: &TrialReport) -> BTreeMap<String, f64> {
    let mut phases: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let by_task = by_task(report.events.iter());
    for task in &report.tasks {
        for (phase, at) in phases_of(&by_task, task).reached() {
            phases.entry(phase).or_default().push(at);
        }
    }
    // The origin of the others.
    phases.remove("created");
    let mut values: BTreeMap<_, _> =
        phases.iter().filter_map(|(phase, times)| Some((phase.replace(' ', "_"), median(times)?))).collect();
    let gas: Vec<_> = report.tasks.iter().filter_map(gas_of).collect();
    values.extend(median(&gas).map(|gas| (names::GAS.to_owned(), gas)));
    if let Some(verified) = phases.get(names::PRIMARY).filter(|verified| verified.len() >= MANY) {
        values.extend(p95(verified).map(|tail| (names::TAIL.to_owned(), tail)));
        values.extend(throughput(report, verified.len()).map(|rate| (names::THROUGHPUT.to_owned(), rate)));
    }
    values
}

/// The gas of both transactions of a task.
fn gas_of(task: &TaskReport) -> Option<f64> {
    let gas = task.gas.created?.checked_add(task.gas.verified?)?;
    // A block has less.
    u32::try_from(gas).ok().map(f64::from)
}

/// The phases of a task since the first entry about it. On a busy machine the harness sees `TaskCreated` after the aggregator
/// has taken notice of it, sometimes by as much as the task takes: its own clock would measure how late it was.
fn phases_of(by_task: &HashMap<H256, Vec<&Event>>, task: &TaskReport) -> TaskPhases {
    let Some(hash) = parse_task_hash(&task.hash) else { return task.phases.clone() };
    let Some(about) = by_task.get(&hash) else { return task.phases.clone() };
    let mut about: Vec<Event> = about.iter().map(|event| (*event).clone()).collect();
    let Some(first) = about.iter().map(|event| event.at).min() else { return task.phases.clone() };
    for event in about.iter_mut().filter(|event| event.event == Some(TaskEvent::TaskCreated)) {
        event.at = first;
    }
    hourglass_timeline::phases(&about.iter().collect::<Vec<_>>())
}

/// The verified tasks by the time from the first creation to the last verification, in seconds.
fn throughput(report: &TrialReport, verified: usize) -> Option<f64> {
    let hashes: HashSet<_> = report.tasks.iter().filter_map(|task| parse_task_hash(&task.hash)).collect();
    let at = |word: TaskEvent| {
        let events = report.events.iter().filter(move |event| event.event == Some(word));
        let of_chain = events.filter(|event| matches!(event.source, Source::Chain(_)));
        let hashes = &hashes;
        of_chain.filter(|event| event.task_hash.is_some_and(|hash| hashes.contains(&hash))).map(|event| event.at)
    };
    let (first, last) = (at(TaskEvent::TaskCreated).min()?, at(TaskEvent::TaskVerified).max()?);
    let seconds = last.duration_since(first).as_secs_f64();
    (seconds > 0.0).then(|| float(verified) / seconds)
}
