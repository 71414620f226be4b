//! Containers that others end: the harness reports that at once, and whose fault it is.

use crate::docker_trial::{DockerTrial, LONG};

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
    told("chain-31338", 3, &["chain 31338 ended with exit code 137"]);
}

#[track_caller]
fn told(component: &str, code: i32, texts: &[&str]) {
    let test = DockerTrial::new();
    let harness = test.start_task(&mut test.harness(&test.scenario(LONG)));
    test.kill(component);
    harness.finish().assert_code(code).assert_shows(texts);
    test.assert_nothing_runs();
}
