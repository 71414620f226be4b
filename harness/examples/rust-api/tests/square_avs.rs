//! An AVS that squares numbers, with three operators. Two of them reach the threshold.

use hourglass_harness::{Chain, Harness, HarnessBuilder, HarnessError, Operator, Program, Runtime, is_required, secs};
use rstest::rstest;

/// The environment of every test here, on one runtime. Pass your own performer with `.performer(…)`.
#[track_caller]
fn avs(runtime: Runtime) -> HarnessBuilder {
    Harness::builder().runtime(runtime).threshold(6600).operators(["alice", "bob", "carol"].map(Operator::new))
}

#[rstest]
#[tokio::test]
async fn a_number_is_squared(
    #[values(Runtime::Process, Runtime::Docker, Runtime::Kubernetes)] runtime: Runtime,
    #[values(Chain::L1, Chain::L2)] chain: Chain,
) -> Result<(), HarnessError> {
    if !is_required(runtime) {
        return Ok(());
    }
    let env = avs(runtime).start().await?;
    let task = env.create_task(chain, "0x04").await?;
    task.expect_verified().result("0x10").within(secs(30)).await?;
    env.finish().await?;
    Ok(())
}

#[rstest]
#[case::process(Runtime::Process)]
#[case::docker(Runtime::Docker)]
#[case::kubernetes(Runtime::Kubernetes)]
#[tokio::test]
async fn two_operators_are_enough(#[case] runtime: Runtime) -> Result<(), HarnessError> {
    if !is_required(runtime) {
        return Ok(());
    }
    let env = avs(runtime).start().await?;
    env.component("executor/carol")?.kill().await?;
    let task = env.create_task(Chain::L2, "0x05").await?;
    task.expect_verified().result("0x19").signed_by(["alice", "bob"]).not_signed_by(["carol"]).within(secs(30)).await?;
    env.finish().await?;
    Ok(())
}

#[tokio::test]
async fn one_wrong_operator_is_outvoted() -> Result<(), HarnessError> {
    let wrong = Program::reference().environment("TASK_WRONG_RESULT", "true");
    let right = ["bob", "carol"].map(Operator::new);
    let env = Harness::builder()
        .threshold(6600)
        .operator(Operator::new("alice").performer(wrong))
        .operators(right)
        .start()
        .await?;
    let task = env.create_task(Chain::L2, "0x06").await?;
    task.expect_verified().result("0x24").not_signed_by(["alice"]).await?;
    env.finish().await?;
    Ok(())
}

#[tokio::test]
async fn an_empty_payload_is_refused() -> Result<(), HarnessError> {
    let env = avs(Runtime::Process).start().await?;
    env.create_task(Chain::L2, "").expect_rejected("PayloadIsEmpty").await?;
    env.finish().await?;
    Ok(())
}
