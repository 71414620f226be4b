//! Images of users that cannot be used: reported before anything is started.

use crate::docker_trial::{DockerTrial, SQUARE};

pub(crate) fn missing_image_is_named_before_anything_is_started() {
    let test = DockerTrial::new();
    let there = test.image("performer", &["/harness"]);
    let missing = test.repository("preformer");
    for component in ["performer", "executor", "aggregator"] {
        let outcome = test.run(&format!("components: {{{component}: {{image: '{missing}'}}}}\n{SQUARE}"));
        outcome.assert_code(1).assert_shows(&[
            &format!("start of {component}\n"),
            &format!("failed to find image {missing}, which {component} needs; did you mean {there}?"),
            &format!("docker pull {missing}"),
            "docker load --input FILE",
            &format!("docker build -t {missing} ."),
        ]);
        test.assert_nothing_begun();
    }
}

/// The kernel's own message, "exec format error", comes late and does not say what to do.
pub(crate) fn image_of_another_architecture_is_named_before_anything_is_started() {
    let test = DockerTrial::new();
    let own = test.engine().architecture();
    let other = if own == "arm64" { "amd64" } else { "arm64" };
    let foreign = test.foreign_image("performer", other);
    for component in ["performer", "executor", "aggregator"] {
        let outcome = test.run(&format!("components: {{{component}: {{image: '{foreign}'}}}}\n{SQUARE}"));
        let error = format!(
            "failed to use image {foreign} for {component}: it is for {other}, and the Docker engine runs {own}"
        );
        outcome.assert_code(1).assert_shows(&[&error, &format!("docker pull --platform linux/{own} {foreign}")]);
        test.assert_nothing_begun();
    }
}
