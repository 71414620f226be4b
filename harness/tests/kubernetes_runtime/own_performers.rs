//! Performers that are a user's own: built by the engine and brought to the nodes, with a port of their own choice.

use std::{fs, path::Path};

use bollard::query_parameters::RemoveImageOptionsBuilder;
use hourglass_harness::{
    engine::Engine,
    image::{BuildSource, build, deliver_components},
};

use crate::{
    HARNESS,
    cluster_trial::{ClusterTrial, SQUARE, block_on},
};

/// Pods have addresses of their own, so that two performers may listen on one port; and they reach the chains.
pub(crate) fn built_performers_that_listen_on_one_port_run_side_by_side() {
    let test = ClusterTrial::new();
    let engine = block_on(Engine::connect()).unwrap();
    let components = block_on(deliver_components(&engine, Path::new(HARNESS))).unwrap().reference;
    let context = test.sandbox.path("avs");
    fs::create_dir(&context).unwrap();
    fs::write(context.join("mark"), test.sandbox.runs().display().to_string()).unwrap();
    let dockerfile = format!(
        "FROM {components}\nCOPY mark /mark\nENTRYPOINT [\"/harness\", \"component\", \"performer\"]\nCMD []\n"
    );
    fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    let performer = "port: 9001, environment: {TASK_READS_CHAINS: true}, build: {context: ../avs}";
    let topology = "topology: {operators: [{name: alice}, {name: bob}]}";
    let outcome = test.run(&format!("components: {{performer: {{{performer}}}}}\n{topology}\n{SQUARE}"));
    outcome.assert_code(0).assert_shows(&["1 passed, 0 failed"]);
    test.assert_nothing_runs();
    let source = BuildSource { context, dockerfile: "Dockerfile".to_owned(), target: None, args: [].into() };
    let reference = block_on(build(&engine, &source, "performer")).unwrap();
    let forced = RemoveImageOptionsBuilder::new().force(true).build();
    block_on(engine.docker().remove_image(&reference, Some(forced), None)).unwrap();
}
