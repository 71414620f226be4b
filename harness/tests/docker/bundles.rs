//! Archives of trials in Docker: the fault on the first page, and what the engine knows.

use hourglass_test_support::{run, test_cache};
use serde_json::Value;

use crate::{
    HARNESS,
    archive::{Archive, keys},
    docker_trial::{DockerTrial, SQUARE},
};

/// Runs a scenario, and returns the archive of its failure.
fn archive_of(test: &DockerTrial, rest: &str) -> Archive {
    let outcome = run(test.harness(&test.scenario(rest)).args(["--bundle", "failures"]));
    outcome.assert_code(1);
    test.assert_nothing_runs();
    Archive::in_folder(&test.sandbox.path("failures"))
}

/// It fails before there is a folder: the archive has the first page alone.
pub(crate) fn the_first_page_names_a_missing_image() {
    let test = DockerTrial::new();
    let missing = test.repository("preformer");
    let archive = archive_of(&test, &format!("components: {{performer: {{image: '{missing}'}}}}\n{SQUARE}"));
    let page = archive.first_page();
    for part in ["start of performer", &format!("failed to find image {missing}, which performer needs"), "docker pull"]
    {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    let there = test.image("performer", &["/harness", "component", "performer"]);
    test.run(&format!("components: {{performer: {{image: '{there}'}}}}\n{SQUARE}")).assert_code(0);
}

pub(crate) fn the_archive_of_a_failed_trial_has_its_containers_and_no_key() {
    let test = DockerTrial::new();
    let components = "components: {performer: {environment: {TASK_WRONG_RESULT: true, API_TOKEN: open-sesame}}}";
    let archive = archive_of(&test, &format!("{components}\n{SQUARE}"));
    archive.assert_without(&keys(&test_cache(HARNESS), &["operator"]));
    assert!(archive.files.values().all(|file| !String::from_utf8_lossy(file).contains("open-sesame")));
    assert!(!archive.text("logs/performer-operator.log").is_empty(), "the performer's own output is missing");
    let engine: Value = serde_json::from_slice(&archive.files["docker/engine.json"]).unwrap();
    assert!(engine["ServerVersion"].is_string() && engine["remarks"] == Value::Array(vec![]), "{engine:#}");
    assert!(archive.text("docker/events.jsonl").contains("\"start\""));
    let is_performer = |name: &&String| name.starts_with("docker/performer-operator-");
    let performer = archive.names.iter().find(is_performer).unwrap();
    let performer: Value = serde_json::from_slice(&archive.files[performer]).unwrap();
    assert!(
        performer["State"]["ExitCode"].is_number() && performer["State"]["OOMKilled"].is_boolean(),
        "{performer:#}"
    );
    assert!(archive.text("chains/l2.json").contains("createTask("));
    assert!(archive.text("timeline.jsonl").contains("images_ms"), "the delivery of images has no duration");
}
