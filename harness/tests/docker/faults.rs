//! Faults that cannot be put in must not look like a pass.

use crate::lab::Lab;

pub(crate) fn what_does_not_run_cannot_be_killed() {
    without_effect("kill");
}

pub(crate) fn what_does_not_run_cannot_be_paused() {
    without_effect("pause");
}

pub(crate) fn what_does_not_run_cannot_be_disconnected() {
    without_effect("disconnect");
}

#[track_caller]
fn without_effect(fault: &str) {
    for component in ["aggregator", "performer/operator"] {
        let lab = Lab::new();
        // A performer would be started again by its executor.
        let killed = component.replace("performer", "executor");
        let outcome = lab.run(&format!(
            "steps:
  - kill: {{component: {killed}}}
  - {fault}: {{component: {component}}}
  - expect_rejected: {{payload: \"\", error: PayloadIsEmpty}}
"
        ));
        outcome.assert_code(3).assert_shows(&[&format!("failed to {fault} {component}"), "not running"]);
        lab.assert_nothing_runs();
    }
}
