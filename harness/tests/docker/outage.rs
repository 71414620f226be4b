//! An engine that goes away in the middle of a run, and comes back.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    docker_trial::{DockerTrial, LONG, NEVER_READY},
    proxy::Proxy,
};
use hourglass_test_support::{Running, eventually};

/// Far below the limits of steps and of a component's start.
const TOLD_WITHIN: Duration = Duration::from_secs(15);
/// Twice as long as the supervisor waits for an engine.
const GIVEN_UP_WITHIN: Duration = Duration::from_mins(1);

pub(crate) fn engine_that_stops_during_the_steps_is_reported_at_once() {
    let test = DockerTrial::new();
    let proxy = Proxy::to(test.socket());
    let address = format!("unix://{}", proxy.socket().display());
    let harness = test.start_task(test.harness(&test.scenario(LONG)).env("DOCKER_HOST", address));
    let error = "the trial cannot go on: failed to follow what happens on the Docker engine";
    let folder = cut(&test, &proxy, harness, error);
    back_soon(&test, &proxy, &folder);
}

pub(crate) fn engine_that_stops_during_start_up_is_reported() {
    let test = DockerTrial::new();
    let proxy = Proxy::to(test.socket());
    let address = format!("unix://{}", proxy.socket().display());
    let harness = Running::start(test.harness(&test.scenario(NEVER_READY)).env("DOCKER_HOST", address));
    // By then the executor waits for its performer, and the harness for the executor.
    test.sandbox.wait_for_log("performer-operator.log", "");
    let folder = cut(&test, &proxy, harness, "the trial cannot go on");
    back_soon(&test, &proxy, &folder);
}

/// The supervisor has given up by then, and the command of the remedy removes the objects.
pub(crate) fn objects_of_an_engine_that_returns_late_are_removed_by_gc() {
    let test = DockerTrial::new();
    let proxy = Proxy::to(test.socket());
    let address = format!("unix://{}", proxy.socket().display());
    let harness = test.start_task(test.harness(&test.scenario(LONG)).env("DOCKER_HOST", address));
    let folder = cut(&test, &proxy, harness, "the trial cannot go on");
    let made = test.objects();
    let supervised = eventually(GIVEN_UP_WITHIN, || {
        let left = test.sandbox.processes();
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    assert_eq!(supervised, Ok(()), "the supervisor does not give up");
    assert_eq!(test.objects(), made, "they were removed: the test proves nothing");
    let name = folder.file_name().unwrap().to_str().unwrap();
    test.sandbox.run(&["gc", name]).assert_code(0).assert_shows(&[name, "network", "container"]);
    test.assert_nothing_begun();
}

/// The engine comes back soon; the supervisor has waited for it.
#[track_caller]
fn back_soon(test: &DockerTrial, proxy: &Proxy, folder: &Path) {
    proxy.start();
    test.assert_swept();
    assert!(folder.join("timeline.jsonl").is_file(), "the supervisor removed what the report names");
}

#[track_caller]
fn cut(test: &DockerTrial, proxy: &Proxy, harness: Running, error: &str) -> PathBuf {
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    let made = test.objects();
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
    assert_eq!(test.objects(), made, "they were removed without the engine that was named: the test proves nothing");
    assert!(folder.join("timeline.jsonl").is_file(), "what was seen until then is lost");

    folder
}
