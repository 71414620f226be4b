//! Images of users that cannot be used: told by their names, with what the cluster says about it.

use hourglass_harness::{chain::AnvilSearch, engine::Engine, image::deliver_anvil};

use crate::lab::{Lab, SQUARE, block_on};

pub(crate) fn one_that_is_not_there_is_named() {
    let lab = Lab::new();
    let missing = "hourglass-harness-test/no-such-performer:v1";
    let outcome = lab.run(&format!("components: {{performer: {{image: '{missing}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[&format!("failed to find image {missing}, which performer needs")]);
    lab.assert_nothing_runs();
}

/// It starts, and is something else: what the operator sees of it must reach whoever reads the failure.
pub(crate) fn one_that_does_not_serve_is_named_with_what_the_cluster_says() {
    let lab = Lab::new();
    let anvil = block_on(async {
        let anvil = AnvilSearch::default().find_or_install(|_| {}).await.unwrap();
        deliver_anvil(&Engine::connect().await.unwrap(), &anvil.path).await.unwrap().reference
    });
    let outcome = lab.run(&format!("components: {{performer: {{image: '{anvil}'}}}}\n{SQUARE}"));
    outcome.assert_code(1).assert_shows(&[
        "start of performer/operator\n",
        "failed to see performer/operator ready: it ",
        "of pod performer-",
    ]);
    lab.assert_nothing_runs();
}
