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
