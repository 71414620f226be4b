//! Conditions that must hold after every trial, whatever its steps were: one function each, and a registry in three
//! parts, by when they are checked.
//!
//! What may live here: checks that are the same on every runtime. The invariants of one runtime are in its folder of
//! `runtime`, and listed by its provider. docs/invariants.md names all of them; a test compares it with [`all`].

mod chain;
mod ends;
mod leaks;
mod logs;
mod members;

use futures::future::BoxFuture;
use hourglass_base::RuntimeKind;
use hourglass_component::keys::H256;
use hourglass_runtime::{Invariant, InvariantViolation, Leak, UnexpectedEnd, provider};
use hourglass_scenario::Trial;
use hourglass_timeline::{Event, Timeline};
use jiff::Timestamp;

use super::{
    failure::StepFailure,
    verdict::Violation,
    world::{LAST_ENTRIES, World},
};

/// The registry, part one: what must hold when a component ends that no step ended. A violation ends the trial.
static COMPONENT_ENDED: Check<fn(&UnexpectedEnd) -> Finding> =
    Check { invariant: ends::KEEPS_RUNNING, judge: ends::keeps_running };

/// Part two: what must hold after the last step, while everything runs.
static STEPS_DONE: [Check<JudgeWorld>; 3] = [
    Check { invariant: chain::ONE_END, judge: chain::one_end },
    Check { invariant: members::ONLY_MEMBERS, judge: members::only_members },
    Check { invariant: ends::EXPECTED_ENDS, judge: ends::expected_ends },
];

/// Part three: what must hold after everything has been taken down.
static TAKEN_DOWN: [Check<JudgeAftermath>; 2] =
    [NOTHING_LEFT, Check { invariant: logs::NO_ERROR, judge: logs::no_error }];

const NOTHING_LEFT: Check<JudgeAftermath> = Check { invariant: leaks::NOTHING_LEFT, judge: leaks::nothing_left };

type JudgeWorld = for<'a> fn(&'a World) -> BoxFuture<'a, Result<Vec<Finding>, StepFailure>>;

type JudgeAftermath = fn(&Aftermath<'_>) -> Vec<Finding>;

/// An invariant, and the function that checks it.
struct Check<F> {
    invariant: Invariant,
    judge: F,
}

/// A violated condition.
struct Finding {
    /// The subject of the violation, if the invariant's name has a placeholder for it.
    subject: Option<String>,
    /// The expected state.
    expected: String,
    /// The observed state.
    seen: String,
    /// The task concerned.
    task: Option<H256>,
}

/// What is judged after everything has been taken down.
pub(super) struct Aftermath<'a> {
    pub trial: &'a Trial,
    pub started: Timestamp,
    pub timeline: &'a Timeline,
    /// The entries of the timeline in their order.
    pub events: &'a [Event],
    /// When components were told to end.
    pub taking_down: Option<Timestamp>,
    pub leaks: &'a [Leak],
}

impl Finding {
    fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { subject: None, expected: expected.into(), seen: seen.into(), task: None }
    }

    fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    fn of_task(self, task: Option<H256>) -> Self {
        Self { task, ..self }
    }

    fn violation(self, invariant: Invariant, timeline: &Timeline, started: Timestamp) -> Violation {
        Violation {
            what: format!("invariant: {}", invariant.about(self.subject.as_deref())),
            place: None,
            expected: self.expected,
            seen: self.seen,
            task: self.task.map(|task| format!("{task:?}")),
            timeline: timeline.last_lines(self.task, LAST_ENTRIES, started),
        }
    }
}

/// Every invariant, with the runtime that it is checked on unless that is all of them.
pub fn all() -> Vec<(Option<RuntimeKind>, Invariant)> {
    let common = [COMPONENT_ENDED.invariant]
        .into_iter()
        .chain(STEPS_DONE.iter().map(|check| check.invariant))
        .chain(TAKEN_DOWN.iter().map(|check| check.invariant))
        .map(|invariant| (None, invariant));
    let of_runtimes = RuntimeKind::ALL
        .into_iter()
        .flat_map(|kind| provider(kind).invariants().iter().map(move |invariant| (Some(kind), *invariant)));
    common.chain(of_runtimes).collect()
}

/// The violation for the end of a component.
pub(super) fn component_ended(world: &World, end: &UnexpectedEnd) -> Violation {
    let Check { invariant, judge } = COMPONENT_ENDED;
    judge(end).violation(invariant, &world.environment.timeline, world.started)
}

/// The violations after the last step, while everything runs: of the invariants here, then of the runtime's.
pub(super) async fn steps_done(world: &World) -> Result<Vec<Violation>, StepFailure> {
    let violation =
        |finding: Finding, invariant| finding.violation(invariant, &world.environment.timeline, world.started);
    let mut violations = Vec::new();
    for Check { invariant, judge } in &STEPS_DONE {
        violations.extend(judge(world).await?.into_iter().map(|finding| violation(finding, *invariant)));
    }
    let of_runtime = world.environment.runtime.invariant_violations().await?.into_iter();
    violations
        .extend(of_runtime.map(|InvariantViolation { invariant, expected, seen }| {
            violation(Finding::new(expected, seen), invariant)
        }));
    Ok(violations)
}

/// The violations after everything has been taken down.
pub(super) fn taken_down(aftermath: &Aftermath<'_>) -> Vec<Violation> {
    judged(&TAKEN_DOWN, aftermath)
}

/// The violations of an environment without a verdict: errors in its logs are for the people who used it.
pub(super) fn nothing_left(aftermath: &Aftermath<'_>) -> Vec<Violation> {
    judged(&[NOTHING_LEFT], aftermath)
}

fn judged(checks: &[Check<JudgeAftermath>], aftermath: &Aftermath<'_>) -> Vec<Violation> {
    let judged = checks.iter().flat_map(|Check { invariant, judge }| {
        judge(aftermath).into_iter().map(|finding| finding.violation(*invariant, aftermath.timeline, aftermath.started))
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Reports and documents identify invariants by their names.
    #[test]
    fn invariant_names_are_unique() {
        let all = all();
        let names: BTreeSet<_> = all.iter().map(|(_, invariant)| invariant.name).collect();
        assert_eq!(names.len(), all.len());
    }
}
