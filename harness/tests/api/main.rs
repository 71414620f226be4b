//! The API for Rust tests, as a test of another project would use it: real chains, real components.
//!
//! Cases in Docker and Kubernetes run where `HARNESS_REQUIRE` names them; elsewhere they do nothing.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod contracts;
mod ends;
mod failures;
mod faults;
mod steps;

use hourglass_harness::{Chain, Harness, HarnessBuilder, HarnessError, Operator, Runtime, is_required, secs};

/// A builder that uses the harness executable of this build.
#[track_caller]
fn builder() -> HarnessBuilder {
    Harness::builder().executable(env!("CARGO_BIN_EXE_harness"))
}

/// Three operators. Two of them reach the threshold.
#[track_caller]
fn three() -> HarnessBuilder {
    builder().threshold(6600).operators(["alice", "bob", "carol"].map(Operator::new))
}

#[rstest::rstest]
#[case::process(Runtime::Process)]
#[case::docker(Runtime::Docker)]
#[case::kubernetes(Runtime::Kubernetes)]
#[tokio::test]
async fn a_square_is_verified(#[case] runtime: Runtime) -> Result<(), HarnessError> {
    if !is_required(runtime) {
        return Ok(());
    }
    let env = builder().runtime(runtime).operator(Operator::new("alice").weight(60)).start().await?;
    for (chain, payload, result) in [(Chain::L2, "0x04", "0x10"), (Chain::L1, "0x05", "0x19")] {
        let task = env.create_task(chain, payload).await?;
        task.expect_verified().result(result).signed_by(["alice"]).within(secs(30)).await?;
    }
    let report = env.finish().await?;
    assert_eq!(report.trial, format!("{runtime}::a_square_is_verified_case_{}_{runtime}", 1 + runtime as usize));
    assert_eq!(report.tasks.len(), 2);
    assert!(!report.directory.exists(), "the folder of a trial that passed is removed");
    Ok(())
}
