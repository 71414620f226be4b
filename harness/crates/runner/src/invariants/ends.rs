//! Which components end, and which do not.

use std::future::ready;

use futures::{FutureExt as _, future::BoxFuture};
use hourglass_runtime::{Invariant, UnexpectedEnd};

use super::Finding;
use crate::{failure::StepFailure, world::World};

pub(super) const KEEPS_RUNNING: Invariant = Invariant {
    name: "{} keeps running",
    meaning: "A component runs until a step or the end of the trial ends it, unless `invariants.expected_ends` names it. \
              The violation ends the trial at once.",
};

pub(super) const EXPECTED_ENDS: Invariant =
    Invariant { name: "expected ends", meaning: "Every component that `invariants.expected_ends` names has ended." };

pub(super) fn keeps_running(end: &UnexpectedEnd) -> Finding {
    let UnexpectedEnd { component, how, output } = end;
    let expected = format!("{component} runs until a step or the end of the trial ends it");
    let seen = format!("{component} ended with {how}; its last output:\n{output}");
    Finding::new(expected, seen).about(component.to_string())
}

/// If a declared end does not come, the scenario shows something else than it states.
pub(super) fn expected_ends(world: &World) -> BoxFuture<'_, Result<Vec<Finding>, StepFailure>> {
    let missing = world.environment.runtime.ends().missing().into_iter();
    let findings = missing.map(|component| {
        let expected = format!("{component} ends, as invariants.expected_ends says");
        Finding::new(expected, format!("{component} did not end"))
    });
    ready(Ok(findings.collect())).boxed()
}
