//! Metrics from the timeline: the start of performers, and recovery after faults.

use std::collections::BTreeMap;

use hourglass_component::events::TaskEvent;
use hourglass_runner::verdict::{StepOutcome, TrialReport};
use hourglass_scenario::{Step, StepPurpose};
use hourglass_timeline::{Event, Source};
use jiff::Timestamp;

use super::{milliseconds, names};
use crate::stats::median;

/// The field of an executor's record of where it listens.
const LISTENING: &str = "listening";
/// The executor's record of a performer that gets tasks from now on.
const IN_SERVICE: &str = "performer in service";

/// The median of the executors' times from their start to their first performer in service: that contains the
/// performer's creation.
pub(super) fn performer_ready(report: &TrialReport) -> Option<(String, f64)> {
    let (mut began, mut took) = (BTreeMap::<&Source, Timestamp>::new(), BTreeMap::<&Source, f64>::new());
    for event in report.events.iter() {
        if event.fields.contains_key(LISTENING) {
            began.entry(&event.source).or_insert(event.at);
        }
        if event.message == IN_SERVICE
            && let Some(began) = began.get(&event.source)
        {
            took.entry(&event.source).or_insert_with(|| event.at.duration_since(*began).as_secs_f64() * 1e3);
        }
    }
    let took: Vec<_> = took.into_values().collect();
    median(&took).map(|time| (names::PERFORMER_READY.to_owned(), time))
}

/// The time that the delivery of images took, on runtimes that have images.
pub(super) fn images(report: &TrialReport) -> Option<(String, f64)> {
    report.events.iter().find_map(Event::images_ms).map(|time| (names::IMAGES.to_owned(), time))
}

/// The time from the end of each step with a fault to the next verified task, if there is one.
pub(super) fn recovery(report: &TrialReport, scenario: &[Step]) -> BTreeMap<String, f64> {
    let verified: Vec<_> = report.events.iter().filter_map(verified_on_chain).collect();
    let steps = Step::all_in(scenario).into_iter();
    let faults: BTreeMap<_, _> = steps
        .filter(|step| step.kind.properties().purpose == StepPurpose::Fault)
        .map(|step| (step.location.to_string(), step.kind.key()))
        .collect();
    let steps = report.steps.iter().filter(|step| step.outcome == StepOutcome::Done);
    let recovered = steps.filter_map(|step| {
        let kind = faults.get(&step.place)?;
        let ended = milliseconds(step.began? + step.duration?);
        let since_start = |at: &Timestamp| at.duration_since(report.started).as_secs_f64() * 1e3;
        let next = verified.iter().map(since_start).filter(|at| *at >= ended).fold(f64::INFINITY, f64::min);
        Some((names::recovery(kind, step.line), next - ended))
    });
    recovered.filter(|(_, time)| time.is_finite()).collect()
}

fn verified_on_chain(event: &Event) -> Option<Timestamp> {
    let is = event.event == Some(TaskEvent::TaskVerified) && matches!(event.source, Source::Chain(_));
    is.then_some(event.at)
}
