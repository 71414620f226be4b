//! An engine without a free address range. It is the test's own, because every other test would lack the ranges too.

use hourglass_test_support::{block_on, run};

use crate::{
    docker_trial::{DockerTrial, SQUARE},
    own_engine::OwnEngine,
};

/// Room for one network, which is the engine's default one.
const ONLY_POOL: &str = "base=198.51.100.0/30,size=30";
pub(crate) fn an_exhausted_address_pool_is_named() {
    let test = DockerTrial::new();
    let engine = OwnEngine::start(test.sandbox.path("engine"), &["--default-address-pool", ONLY_POOL]);
    let address = format!("unix://{}", engine.socket().display());
    let outcome = run(test.harness(&test.scenario(SQUARE)).env("DOCKER_HOST", address));

    outcome.assert_code(3).assert_shows(&[
        "failed to create network hourglass-r",
        "the Docker engine has no address range left for another network",
        "harness gc",
        "docker network prune",
        "default-address-pools",
    ]);
    test.sandbox.assert_no_process();
    let networks = block_on(async { engine.connect().await.unwrap().docker().list_networks(None).await.unwrap() });
    let ours: Vec<_> =
        networks.into_iter().filter_map(|network| network.name.filter(|name| name.contains("hourglass"))).collect();
    assert_eq!(ours, [""; 0]);
}
