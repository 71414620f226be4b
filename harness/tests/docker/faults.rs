//! Faults that cannot be injected must not look like a pass.

use crate::docker_trial::DockerTrial;

pub(crate) fn component_that_does_not_run_cannot_be_killed() {
    without_effect("kill");
}

pub(crate) fn component_that_does_not_run_cannot_be_paused() {
    without_effect("pause");
}

pub(crate) fn component_that_does_not_run_cannot_be_disconnected() {
    without_effect("disconnect");
}

#[track_caller]
fn without_effect(fault: &str) {
    // An executor restarts a performer that is killed alone.
    let cases = [
        ("aggregator", "  - kill: {component: aggregator}\n"),
        ("performer/operator", "  - kill: {component: executor/operator}\n  - kill: {component: performer/operator}\n"),
    ];
    for (component, before) in cases {
        let test = DockerTrial::new();
        let outcome = test.run(&format!(
            "steps:\n{before}  - {fault}: {{component: {component}}}\n  - expect_rejected: {{payload: \"\", error: PayloadIsEmpty}}\n"
        ));
        outcome.assert_code(3).assert_shows(&[&format!("failed to {fault} {component}: ")]);
        test.assert_nothing_runs();
    }
}
