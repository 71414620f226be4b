//! What a test can do to an environment and observe in it.

use std::{collections::BTreeSet, time::Duration};

use ethers::providers::{Middleware as _, Provider, Ws};
use hourglass_harness::{Avs, Chain, GrpcCode, HarnessError, Keep, Operator, Program, TaskEvent, secs};

use crate::{builder, three};

/// The example on the crate's front page, which is only compiled there.
#[tokio::test]
async fn front_page_example_passes() -> Result<(), HarnessError> {
    let env = builder().operator(Operator::new("alice").weight(60)).start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x10").signed_by(["alice"]).within(secs(10)).await?;
    env.component("executor/alice")?.kill().await?;
    let task = env.create_task(Chain::L2, "0x05").await?;
    task.expect_expired().await?;
    env.finish().await.map(drop)
}

#[tokio::test]
async fn two_of_three_decide_when_one_is_killed() -> Result<(), HarnessError> {
    let env = three().start().await?;
    env.component("executor/carol")?.kill().await?;
    let task = env.create_task(Chain::L2, "0x09").await?;
    task.expect_verified().result("0x51").signed_by(["alice", "bob"]).not_signed_by(["carol"]).await?;
    env.component("executor/carol")?.restart().within(secs(30)).await?;
    env.component("executor/alice")?.kill().await?;
    let task = env.create_task(Chain::L2, "0x0a").await?;
    task.expect_verified().result("0x64").signed_by(["bob", "carol"]).not_signed_by(["alice"]).await?;
    env.finish().await.map(drop)
}

#[tokio::test]
async fn a_paused_executor_answers_when_it_is_resumed() -> Result<(), HarnessError> {
    let env = builder().operator(Operator::new("alice")).start().await?;
    let alice = env.component("executor/alice")?;
    alice.pause().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    // Both at once: the expectation waits while the executor continues.
    let (verified, resumed) =
        tokio::join!(task.expect_verified().signed_by(["alice"]).into_future(), alice.resume().into_future());
    resumed.and(verified)?;
    env.finish().await.map(drop)
}

/// A performer that is deployed takes the tasks, a removal leaves the executor without one, and refusals have their codes.
#[tokio::test]
async fn a_performer_is_deployed_and_removed() -> Result<(), HarnessError> {
    let wrong = Program::reference().environment("TASK_WRONG_RESULT", "true");
    let env = builder().operator(Operator::new("alice").performer(wrong)).start().await?;
    let slow = env.deploy_performer("alice").environment("PERFORMER_READY_AFTER_MS", "1500");
    let green = slow.environment("TASK_WRONG_RESULT", "false").until_staged().await?;
    env.expect_performers("alice").count(2).staged(&green).await?;
    env.deploy_performer("alice").expect_refused(GrpcCode::AlreadyExists).await?;
    env.expect_performers("alice").count(1).in_service(&green).within(secs(30)).await?;
    env.create_task(Chain::L2, "0x04").await?.expect_verified().result("0x10").await?;
    green.remove().await?;
    env.expect_performers("alice").count(0).absent(&green).await?;
    green.remove().expect_refused(GrpcCode::NotFound).await?;
    let error = env.expect_performers("alice").count(1).within(secs(1)).await.unwrap_err().to_string();
    assert!(
        error.contains("lists 1 performer within 1s") && error.contains("its executor has no performer"),
        "{error}"
    );
    let error = green.remove().await.unwrap_err().to_string();
    assert!(error.contains("its executor refuses it with NOT_FOUND: "), "{error}");
    env.finish().await.map(drop)
}

/// The old performer must go on, and the end of the new one is no violation.
#[tokio::test]
async fn a_performer_that_does_not_start_is_refused_and_replaces_nothing() -> Result<(), HarnessError> {
    let env = builder().operator(Operator::new("alice")).start().await?;
    let broken = || env.deploy_performer("alice").environment("TASK_DELAY_MS", "soon");
    broken().expect_refused(GrpcCode::FailedPrecondition).await?;
    let error = broken().await.unwrap_err().to_string();
    assert!(error.contains("its executor refuses it with FAILED_PRECONDITION: "), "{error}");
    env.expect_performers("alice").count(1).await?;
    env.create_task(Chain::L2, "0x04").await?.expect_verified().result("0x10").await?;
    env.finish().await.map(drop)
}

/// A step that the test has dropped must neither continue nor block the others.
#[tokio::test]
async fn dropped_expectation_does_not_continue() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let executor = env.component("executor/operator")?;
    executor.pause().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    let waiting = task.expect_verified().result("0x11").within(secs(600)).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(100), waiting).await.is_err(), "the executor stands still");
    executor.resume().await?;
    task.expect_verified().result("0x10").within(secs(30)).await?;
    env.finish().await.map(drop)
}

/// The test warps past the deadline, so that nothing waits for an hour.
#[tokio::test]
async fn a_task_that_nobody_signs_expires() -> Result<(), HarnessError> {
    let failing = Program::reference().environment("TASK_ERROR", "the performer has lost its ${abacus}");
    let env = builder().performer(failing).start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    let error = task.expect_verified().within(secs(30)).await.unwrap_err().to_string();
    assert!(error.contains("lost its ${abacus}"), "a variable's value must arrive as it is: {error}");
    task.expect_expired().await?;
    env.finish().await.map(drop)
}

#[tokio::test]
async fn a_task_that_the_mailbox_refuses_is_expected_to_be_refused() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    env.create_task(Chain::L1, "").expect_rejected("PayloadIsEmpty").await?;
    let error = env.create_task(Chain::L1, "0x04").expect_rejected("PayloadIsEmpty").await.unwrap_err();
    assert!(error.to_string().contains("accepted as task"), "{error}");
    let error = env.create_task(Chain::L1, "").expect_rejected("PayloadIsEmty").await.unwrap_err();
    assert!(error.to_string().contains("no contract has an error called `PayloadIsEmty`"), "{error}");
    env.finish().await.map(drop)
}

/// A test with a client of its own needs only the environment's addresses.
#[tokio::test]
async fn chains_are_where_the_environment_says() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    for chain in [env.l1(), env.l2()] {
        let client = Provider::<Ws>::connect(chain.ws_url()).await.unwrap();
        assert_eq!(chain.rpc_url().replacen("http", "ws", 1), chain.ws_url());
        assert_eq!(client.get_chainid().await.unwrap(), chain.chain_id().into());
        for contract in chain.contracts() {
            let code = client.get_code(contract.address, None).await.unwrap();
            assert!(!code.is_empty(), "chain {} has no {}", chain.chain_id(), contract.name);
        }
    }
    assert_ne!(env.l1().chain_id(), env.l2().chain_id());
    assert!(env.l2().contract("TaskMailbox").is_some() && env.l2().contract("AllocationManager").is_none());
    env.finish().await.map(drop)
}

#[tokio::test]
async fn the_timeline_has_the_events_of_a_task() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().await?;
    let of_task = env.timeline().read(|events| {
        let of_task = events.iter().filter(|event| event.task_hash == Some(task.hash()));
        of_task.filter_map(|event| event.event).collect::<Vec<_>>()
    });
    assert!(of_task.contains(&TaskEvent::TaskSigned) && of_task.contains(&TaskEvent::TaskVerified), "{of_task:?}");
    env.finish().await.map(drop)
}

#[tokio::test]
async fn each_task_of_a_group_is_expected_to_end_alike() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let group = env.create_task(Chain::L2, "0x04").count(5).await?;
    assert_eq!(group.hashes().iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(group.hash(), group.hashes()[0]);
    group.expect_verified().result("0x10").within(secs(30)).await?;
    group.expect_event(TaskEvent::PerformerFinished).component("executor/operator").await?;
    let error = group.expect_verified().result("0x11").await.unwrap_err();
    assert!(error.to_string().contains("0x11"), "{error}");
    let report = env.finish().await?;
    assert_eq!(report.tasks.len(), 5);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_not_reported_is_a_failure() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().await?;
    env.expect_event(TaskEvent::TaskVerified).await?;
    let error = task.expect_event(TaskEvent::TaskExpired).within(secs(1)).await.unwrap_err();
    assert!(error.failure().is_some_and(|failure| !failure.violations().is_empty()), "{error}");
    // As in a scenario file, an event counts only from the component that reports it.
    let error = task.expect_event(TaskEvent::TaskVerified).component("aggregator").await.unwrap_err();
    assert!(error.to_string().contains("`aggregator` does not report `task_verified`"), "{error}");
    env.finish().await.map(drop)
}

#[tokio::test]
async fn what_a_view_function_returns_is_compared() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().await?;
    let status = || {
        let hash = format!("{:?}", task.hash());
        env.call(Chain::L2, "task_mailbox", "getTaskStatus(bytes32) returns (uint8)").args([hash])
    };
    status().returns(["2"]).await?;
    let error = status().returns(["3"]).await.unwrap_err();
    assert!(error.failure().is_some() && error.to_string().contains('3'), "{error}");
    let error = env.call(Chain::L2, "no_contract", "f() returns (uint8)").returns(["1"]).await.unwrap_err();
    assert!(error.to_string().contains("no contract is called `no_contract`"), "{error}");
    env.finish().await.map(drop)
}

/// `gc` must find what a kept environment left.
#[tokio::test]
async fn a_kept_environment_runs_until_it_is_ended() -> Result<(), HarnessError> {
    let env = builder().keep(Keep::Always).start().await?;
    let (run, rpc) = (env.run_id(), env.l2().rpc_url().to_owned());
    let report = env.finish().await?;
    assert!(report.kept && report.running.contains_key("aggregator"), "{report:?}");
    let client = Provider::<ethers::providers::Http>::try_from(rpc.as_str()).unwrap();
    assert!(client.get_block_number().await.is_ok(), "the chain has ended");
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_harness")).args(["gc", &run]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(client.get_block_number().await.is_err(), "the chain goes on");
    Ok(())
}

/// An operator of two AVSs has one executor and a performer for each.
#[tokio::test]
async fn tasks_of_two_avss_are_verified_by_their_own_members() -> Result<(), HarnessError> {
    let wrong = Program::reference().environment("TASK_WRONG_RESULT", "true");
    let second = Avs::new("second").threshold(10_000).operator(Operator::new("alice").performer(wrong));
    let env = builder().operators(["alice", "bob"].map(Operator::new)).avs(second).start().await?;
    let first = env.create_task(Chain::L2, "0x04").await?;
    let other = env.create_task(Chain::L2, "0x04").avs("second").await?;
    first.expect_verified().result("0x10").signed_by(["alice", "bob"]).await?;
    other.expect_verified().result("0x11").signed_by(["alice"]).await?;
    env.component("performer/alice/second")?.kill().await?;
    let first = env.create_task(Chain::L2, "0x05").await?;
    first.expect_verified().result("0x19").await?;
    env.finish().await.map(drop)
}
