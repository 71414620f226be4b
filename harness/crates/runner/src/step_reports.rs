//! The steps of a trial in its report.

use std::time::Duration;

use hourglass_scenario::Step;
use hourglass_timeline::Event;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    steps::title,
    traces::{LINE, OUTCOME, PLACE, STEP},
    verdict::{StepOutcome, StepReport},
};

/// The steps in the order in which they began, then those of the scenario that did not begin, in the order of the file.
pub(super) fn of(steps: &[Step], events: &[Event], started: Timestamp) -> Vec<StepReport> {
    let mut reports: Vec<StepReport> = Vec::new();
    for event in events {
        let Some(noted) = Noted::in_event(event) else { continue };
        match noted.outcome {
            None => reports.push(StepReport {
                title: noted.title.to_owned(),
                place: noted.place.to_owned(),
                line: noted.line,
                outcome: StepOutcome::NotEnded,
                began: Some(since(event.at, started)),
                duration: None,
            }),
            Some(outcome) => {
                let open = |report: &&mut StepReport| {
                    report.outcome == StepOutcome::NotEnded
                        && report.place == noted.place
                        && report.title == noted.title
                };
                if let Some(report) = reports.iter_mut().find(open) {
                    report.outcome = outcome;
                    report.duration = report.began.map(|began| since(event.at, started).saturating_sub(began));
                }
            }
        }
    }
    let begun = |step: &Step| {
        let (place, title) = (step.location.to_string(), title(step));
        reports.iter().any(|report| report.place == place && report.title == title)
    };
    let not_begun: Vec<_> = Step::all_in(steps).into_iter().filter(|step| !begun(step)).map(not_begun).collect();
    reports.extend(not_begun);
    reports
}

fn not_begun(step: &Step) -> StepReport {
    StepReport {
        title: title(step),
        place: step.location.to_string(),
        line: step.location.line,
        outcome: StepOutcome::NotBegun,
        began: None,
        duration: None,
    }
}

/// Entries have the wall clock, which can be set back.
fn since(at: Timestamp, started: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(started)).unwrap_or_default()
}

/// What an entry of the harness tells about a step.
struct Noted<'a> {
    title: &'a str,
    place: &'a str,
    line: usize,
    /// `None` when it begins.
    outcome: Option<StepOutcome>,
}

impl<'a> Noted<'a> {
    fn in_event(event: &'a Event) -> Option<Self> {
        let text = |name: &str| event.fields.get(name).and_then(Value::as_str);
        let line = event.fields.get(LINE)?.as_u64()?;
        Some(Self {
            title: text(STEP)?,
            place: text(PLACE)?,
            line: usize::try_from(line).ok()?,
            outcome: text(OUTCOME).map(StepOutcome::of),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_base::RuntimeKind;
    use hourglass_scenario::Loader;

    use super::*;

    const SCENARIO: &str = "name: own
description: A user's own.
steps:
  - create_task: {payload: \"1\"}
  - parallel:
      - expect_verified: {}
      - mine: {chain: l1}
  - expect_verified: {}
";

    fn event(line: usize, title: &str, outcome: Option<&str>, milliseconds: i64) -> Event {
        let mut event = Event::of_harness(title);
        event.at = Timestamp::from_millisecond(milliseconds).unwrap();
        event.fields.insert(STEP.to_owned(), title.into());
        event.fields.insert(LINE.to_owned(), line.into());
        event.fields.insert(PLACE.to_owned(), format!("own.yaml:{line}").into());
        event.fields.extend(outcome.map(|outcome| (OUTCOME.to_owned(), outcome.into())));
        event
    }

    /// Concurrent steps end in any order, and those after a failure do not begin.
    #[test]
    fn every_step_is_reported_with_its_outcome() {
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), SCENARIO.to_owned()).unwrap();
        let trial = file.trials(&[RuntimeKind::Process]).remove(0);
        let events = [
            event(4, "create_task", None, 100),
            event(4, "create_task", Some("done"), 130),
            event(5, "parallel", None, 130),
            event(6, "expect_verified", None, 131),
            event(7, "mine", None, 132),
            event(7, "mine", Some("failed"), 140),
            event(6, "expect_verified", Some("could not be done"), 150),
        ];
        let reports = of(&trial.scenario.steps, &events, Timestamp::UNIX_EPOCH);
        let shown = reports.iter().map(|report| {
            let ms = |time: Option<Duration>| time.map(|time| time.as_millis());
            (report.line, report.title.as_str(), report.outcome, ms(report.began), ms(report.duration))
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                (4, "create_task", StepOutcome::Done, Some(100), Some(30)),
                (5, "parallel", StepOutcome::NotEnded, Some(130), None),
                (6, "expect_verified", StepOutcome::CouldNotBeDone, Some(131), Some(19)),
                (7, "mine", StepOutcome::Failed, Some(132), Some(8)),
                (8, "expect_verified", StepOutcome::NotBegun, None, None),
            ]
        );
    }
}
