//! The metrics of a trial, by name.
//!
//! What may live here: a file per family of metrics, each with a function from a [`TrialReport`] to values, and `names`,
//! which says what the name of a metric means. A new metric is a value in one of the families and a row there.

mod events;
mod names;
mod tasks;
mod usage;

use std::collections::BTreeMap;

use hourglass_runner::verdict::TrialReport;
use hourglass_scenario::Scenario;

pub use names::{Meaning, PRIMARY, meaning, rank};

/// The metrics of a trial that has passed, each in the unit of its [`Meaning`].
pub fn of_trial(report: &TrialReport, scenario: &Scenario) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    values.insert(names::TRIAL.to_owned(), milliseconds(report.duration));
    for phase in &report.phases {
        // Each part of the stand-up is a phase; one that occurs twice counts as a whole.
        *values.entry(names::phase(&phase.name)).or_default() += milliseconds(phase.duration);
    }
    values.extend(tasks::of(report));
    values.extend(events::images(report));
    values.extend(events::performer_ready(report));
    values.extend(events::recovery(report, &scenario.steps));
    values.extend(usage::of(report));
    values.retain(|_, value| value.is_finite());
    values
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests;
