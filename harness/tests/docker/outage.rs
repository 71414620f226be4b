//! An engine that goes away in the middle of a run, and comes back.

use std::time::{Duration, Instant};

use crate::{
    lab::{LONG, Lab, NEVER_READY},
    proxy::Proxy,
    sandbox::Running,
};

/// Far below the limits of steps and of a component's start.
const TOLD_WITHIN: Duration = Duration::from_secs(15);

pub(crate) fn an_engine_that_stops_during_the_steps_is_told_at_once() {
    let lab = Lab::new();
    let proxy = Proxy::to(lab.socket());
    let address = format!("unix://{}", proxy.socket().display());
    let harness = lab.start_task(lab.harness(&lab.scenario(LONG)).env("DOCKER_HOST", address));
    cut(&lab, &proxy, harness, "failed to keep the trial running: follow what happens on the Docker engine");
}

pub(crate) fn an_engine_that_stops_while_the_environment_is_stood_up_is_told() {
    let lab = Lab::new();
    let proxy = Proxy::to(lab.socket());
    let address = format!("unix://{}", proxy.socket().display());
    let harness = Running::start(lab.harness(&lab.scenario(NEVER_READY)).env("DOCKER_HOST", address));
    // By then the executor waits for its performer, and the harness for the executor.
    lab.sandbox.wait_for_log("performer-operator.log", "");
    cut(&lab, &proxy, harness, "executor/operator");
}

#[track_caller]
fn cut(lab: &Lab, proxy: &Proxy, harness: Running, error: &str) {
    let [folder] = lab.sandbox.run_folders().try_into().unwrap();
    let made = lab.objects();
    let cut = Instant::now();
    proxy.stop();

    let outcome = harness.finish();

    let took = cut.elapsed();
    outcome.assert_code(3).assert_shows(&[
        error,
        "the Docker engine does not answer any more",
        "start the engine",
        "harness gc",
        &folder.display().to_string(),
    ]);
    assert!(took < TOLD_WITHIN, "it took {took:?} to tell\n{}", outcome.stdout);
    assert_eq!(lab.objects(), made, "they were removed without the engine that was named: the test proves nothing");
    assert!(folder.join("timeline.jsonl").is_file(), "what was seen until then is lost");

    proxy.start();
    lab.assert_swept();
    assert!(folder.join("timeline.jsonl").is_file(), "the supervisor removed what the report names");
}
