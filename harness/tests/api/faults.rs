//! Faults that only some runtimes have.

use hourglass_harness::{Chain, HarnessError, Runtime, TaskEvent, secs};

use crate::{builder, three};

#[rstest::rstest]
#[case::docker(Runtime::Docker)]
#[case::kubernetes(Runtime::Kubernetes)]
#[tokio::test]
async fn a_disconnected_executor_does_not_sign(#[case] runtime: Runtime) -> Result<(), HarnessError> {
    if !hourglass_harness::is_required(runtime) {
        return Ok(());
    }
    let env = three().runtime(runtime).start().await?;
    let carol = env.component("executor/carol")?;
    carol.disconnect().within(secs(30)).await?;
    let task = env.create_task(Chain::L2, "0x09").await?;
    task.expect_verified().signed_by(["alice", "bob"]).not_signed_by(["carol"]).within(secs(30)).await?;
    carol.reconnect().within(secs(60)).await?;
    env.component("executor/alice")?.kill().await?;
    let task = env.create_task(Chain::L2, "0x0a").await?;
    task.expect_verified().signed_by(["bob", "carol"]).within(secs(60)).await?;
    env.finish().await.map(drop)
}

/// Refused before anything is done, with what a scenario file would be told.
#[tokio::test]
async fn a_fault_that_the_runtime_lacks_is_refused() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let executor = env.component("executor/operator")?;
    for (action, lacks) in [
        (executor.disconnect(), "the process runtime does not have `disconnect`"),
        (executor.delete_pod(), "only the kubernetes runtime has `delete_pod`"),
        (executor.partition_from(&env.component("performer/operator")?), "only the kubernetes runtime has `partition`"),
        (env.cluster().set_pod_quota(None), "only the kubernetes runtime has `set_pod_quota`"),
        (env.cluster().kill_operator(), "only the kubernetes runtime has `kill_cluster_operator`"),
    ] {
        let error = action.await.unwrap_err();
        assert!(matches!(error, HarnessError::Scenario(_)), "{error:?}");
        assert!(format!("{error:?}").contains(lacks), "{error:?}");
    }
    env.finish().await.map(drop)
}

#[tokio::test]
async fn faults_of_a_cluster_are_done_and_undone() -> Result<(), HarnessError> {
    if !hourglass_harness::is_required(Runtime::Kubernetes) {
        return Ok(());
    }
    let env = builder().runtime(Runtime::Kubernetes).start().await?;
    let (executor, performer) = (env.component("executor/operator")?, env.component("performer/operator")?);
    env.cluster().set_pod_quota(Some(0)).await?;
    env.cluster().set_pod_quota(None).await?;
    performer.delete_pod().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x10").within(secs(90)).await?;
    executor.partition_from(&performer).within(secs(30)).await?;
    let cut_off = env.create_task(Chain::L2, "0x05").await?;
    cut_off.expect_event(TaskEvent::PerformerStarted).component("executor/operator").within(secs(30)).await?;
    let error = cut_off.expect_verified().within(secs(2)).await.unwrap_err();
    assert!(error.failure().is_some(), "{error}");
    executor.heal_to(&performer).within(secs(30)).await?;
    cut_off.expect_verified().result("0x19").within(secs(90)).await?;
    // Others may use the operator, and did not agree to its end.
    let error = env.cluster().scale_operator(0).await.unwrap_err().to_string();
    assert!(error.contains("build the environment with `exclusive_cluster()`"), "{error}");
    env.finish().await.map(drop)
}

#[tokio::test]
async fn an_environment_that_has_its_cluster_for_itself_may_stop_the_operator() -> Result<(), HarnessError> {
    if !hourglass_harness::is_required(Runtime::Kubernetes) {
        return Ok(());
    }
    let env = builder().runtime(Runtime::Kubernetes).exclusive_cluster().start().await?;
    env.cluster().scale_operator(0).within(secs(60)).await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x10").within(secs(30)).await?;
    env.cluster().scale_operator(1).within(secs(90)).await?;
    env.finish().await.map(drop)
}
