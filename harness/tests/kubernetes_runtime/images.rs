//! Images of users that cannot be used: reported by their names, with the message of the cluster.

use std::path::Path;

use bollard::{
    models::{ContainerConfig, ContainerCreateBody},
    query_parameters::{CommitContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder},
};
use hourglass_harness::{
    chain::AnvilSearch,
    engine::Engine,
    image::{deliver_anvil, deliver_components},
    reaper::RunId,
};

use crate::{
    HARNESS,
    cluster_trial::{ClusterTrial, SQUARE, block_on},
};

pub(crate) fn one_that_is_not_there_is_named() {
    let test = ClusterTrial::new();
    let missing = "hourglass-harness-test/no-such-performer:v1";
    let outcome = test.run(&format!("components: {{performer: {{image: '{missing}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[&format!("failed to find image {missing}, which performer needs")]);
    test.assert_nothing_runs();
}

/// It starts, but it is another program: the failure must show what the operator observed.
pub(crate) fn image_that_does_not_serve_is_named_with_the_cluster_message() {
    let test = ClusterTrial::new();
    let anvil = block_on(async {
        let anvil = AnvilSearch::default().find_or_install(|_| {}).await.unwrap();
        deliver_anvil(&Engine::connect().await.unwrap(), &anvil.path).await.unwrap().reference
    });
    let outcome = test.run(&format!("components: {{performer: {{image: '{anvil}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[
        "start of performer/operator\n",
        "performer/operator is not ready: it ",
        "of pod performer-",
    ]);
    test.assert_nothing_runs();
}

/// A pod checks whether performers answer. A promise that was not checked counts as broken, so that a passed trial
/// shows that it was checked.
pub(crate) fn trial_of_images_without_probe_command_is_checked() {
    let test = ClusterTrial::new();
    let images = ["executor", "aggregator"].map(OwnImage::acting_as);
    let [executor, aggregator] = &images;
    let components =
        format!("components: {{executor: {{image: '{}'}}, aggregator: {{image: '{}'}}}}", executor.0, aggregator.0);
    test.run(&format!("{components}\n{SQUARE}")).assert_code(0).assert_shows(&["1 passed"]);
    test.assert_nothing_runs();
}

/// An image that the harness takes for a user's; it is removed when this is dropped.
struct OwnImage(String);

impl OwnImage {
    /// A reference component under another name.
    fn acting_as(role: &str) -> Self {
        let repository = format!("hourglass-harness-test/{}/{role}", RunId::generate());
        block_on(async {
            let engine = Engine::connect().await.unwrap();
            let docker = engine.docker();
            let components = deliver_components(&engine, Path::new(HARNESS)).await.unwrap();
            let body = ContainerCreateBody { image: Some(components.reference), ..ContainerCreateBody::default() };
            let container = docker.create_container(None, body).await.unwrap().id;
            let options =
                CommitContainerOptionsBuilder::new().container(&container).repo(&repository).tag("v1").build();
            let entrypoint = ["/harness", "component", role].map(str::to_owned).to_vec();
            let config = ContainerConfig { entrypoint: Some(entrypoint), cmd: Some(vec![]), ..Default::default() };
            let committed = docker.commit_container(options, config).await;
            let forced = RemoveContainerOptionsBuilder::new().force(true).build();
            docker.remove_container(&container, Some(forced)).await.unwrap();
            committed.unwrap();
        });
        Self(format!("{repository}:v1"))
    }
}

impl Drop for OwnImage {
    fn drop(&mut self) {
        let forced = RemoveImageOptionsBuilder::new().force(true).build();
        let engine = block_on(Engine::connect()).unwrap();
        let removed = block_on(engine.docker().remove_image(&self.0, Some(forced), None));
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}
