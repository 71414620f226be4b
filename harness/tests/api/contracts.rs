//! Contracts of a test's own.

use std::time::Duration;

use hourglass_harness::{Chain, ContractArtifact, HarnessError};

use crate::builder;

const COUNTER_HOOK: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/avs-counter/contracts/out/CounterHook.sol/CounterHook.json");

/// The hook of the AVS counts and refuses, and its errors have names. A contract on the other chain knows its address.
#[tokio::test]
async fn a_test_deploys_contracts_of_its_own() -> Result<(), HarnessError> {
    let hook = ContractArtifact::new(COUNTER_HOOK).args(["task_mailbox", "1"]).from("avs").task_hook();
    let other = ContractArtifact::new(COUNTER_HOOK).chain(Chain::L1).args(["counter_hook", "7"]);
    let env = builder()
        .contract("counter_hook", hook.call("setLimit(uint256)", ["4"]))
        .contract("a_copy", other)
        .start()
        .await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x10").await?;
    env.create_task(Chain::L2, "0x0004").expect_rejected("PayloadTooLarge").await?;
    let limit = ("setLimit(uint256)", "limit() returns (uint256)");
    env.send_transaction(Chain::L2, "counter_hook", limit.0).args(["6"]).reverts_with("NotTheOwner").await?;
    let unmet = env.send_transaction(Chain::L2, "counter_hook", limit.0).args(["6"]).from("app").await.unwrap_err();
    assert!(unmet.to_string().contains("reverted with NotTheOwner("), "{unmet}");
    env.send_transaction(Chain::L2, "counter_hook", limit.0).args(["6"]).from("avs").await?;
    env.expect_log(Chain::L2, "counter_hook", "LimitChanged(uint256)").values(["6"]).await?;
    let changed = env.expect_log(Chain::L2, "counter_hook", "LimitChanged(uint256)").values(["5"]);
    let unmet = changed.within(Duration::from_millis(100)).await.unwrap_err();
    assert!(unmet.to_string().contains("0 of them; not \"6\" in block "), "{unmet}");
    // The first log is there already, and the second comes in a later block.
    let twice = env.expect_log(Chain::L2, "counter_hook", "LimitChanged(uint256)").values(["_"]).count(2);
    let again = env.send_transaction(Chain::L2, "counter_hook", limit.0).args(["6"]).from("avs");
    tokio::try_join!(async { twice.await }, async { again.await })?;
    env.call(Chain::L2, "counter_hook", limit.1).returns(["6"]).await?;
    env.call(Chain::L1, "a_copy", limit.1).returns(["7"]).await?;
    let task = env.create_task(Chain::L2, "0x0004").await?;
    task.expect_verified().result("0x10").await?;
    env.call(Chain::L2, "counter_hook", "verified() returns (uint256)").returns(["2"]).await?;
    env.finish().await.map(drop)
}

/// The artefact of a contract of the example.
fn artifact(name: &str) -> ContractArtifact {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/avs-counter/contracts/out");
    ContractArtifact::new(format!("{folder}/{name}.sol/{name}.json"))
}

/// Operators join through a registrar of the test's own, a hook stands at the address of that of the harness, and a contract is upgraded
/// behind its proxy.
#[tokio::test]
async fn a_test_puts_contracts_in_place_of_those_of_the_harness() -> Result<(), HarnessError> {
    let registrar = artifact("OpenRegistrar").args(["allocation_manager", "avs"]).avs_registrar();
    let registry = artifact("Registry").behind_proxy("initialize(address)", ["app"]).proxy_admin("avs");
    let hook = artifact("CounterHook").args(["task_mailbox", "1"]).from("avs").call("setLimit(uint256)", ["4"]);
    let env = builder()
        .contract("registrar", registrar)
        .contract("registry", registry)
        .contract("registry_v2", artifact("RegistryV2"))
        .replace_contract("avs_task_hook", hook)
        .start()
        .await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x10").await?;
    env.call(Chain::L2, "avs_task_hook", "verified() returns (uint256)").returns(["1"]).await?;
    env.call(Chain::L1, "registrar", "joined() returns (uint256)").returns(["2"]).await?;
    let upgrade = env.send_transaction(Chain::L2, "registry_proxy_admin", "upgrade(address,address)");
    upgrade.args(["registry", "registry_v2"]).from("avs").await?;
    env.send_transaction(Chain::L2, "registry", "clear()").from("app").await?;
    env.finish().await.map(drop)
}

/// What a contract refuses while it is configured is an error with its name, the call and the reason.
#[tokio::test]
async fn a_contract_that_cannot_be_configured_is_named() {
    let hook = ContractArtifact::new(COUNTER_HOOK).args(["task_mailbox", "1"]).task_hook();
    let error =
        builder().contract("counter_hook", hook.call("handlePostTaskCreation(bytes32)", [format!("0x{:064}", 0)]));
    let error = format!("{:?}", error.start().await.unwrap_err());
    for part in ["call `handlePostTaskCreation(bytes32)` of the contract `counter_hook`", "NotTheMailbox("] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}
