//! Containers that somebody else ends: told at once, and of whom it is the fault.

use crate::lab::{LONG, Lab};

pub(crate) fn an_aggregator_that_ends_fails_the_trial() {
    told("aggregator", 1, &["invariant: aggregator keeps running", "exit code 137"]);
}

pub(crate) fn an_executor_that_ends_fails_the_trial() {
    told("executor/operator", 1, &["invariant: executor/operator keeps running", "exit code 137"]);
}

pub(crate) fn a_performer_that_ends_fails_the_trial() {
    told("performer/operator", 1, &["invariant: performer/operator keeps running", "exit code 137"]);
}

pub(crate) fn a_chain_that_ends_fails_the_environment() {
    told("chain-31338", 3, &["failed to keep chain 31338 running", "exit code 137"]);
}

#[track_caller]
fn told(component: &str, code: i32, texts: &[&str]) {
    let lab = Lab::new();
    let harness = lab.start_task(&mut lab.harness(&lab.scenario(LONG)));
    lab.kill(component);
    harness.finish().assert_code(code).assert_shows(texts);
    lab.assert_nothing_runs();
}
