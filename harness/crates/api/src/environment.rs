//! A running environment.

use std::{panic::Location, path::Path, sync::Arc, thread, time::Duration};

use hourglass_runner::{
    StandingEnvironment,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::Chain;
use hourglass_timeline::Timeline;

use crate::{
    Action, Call, ChainHandle, ClusterHandle, ComponentHandle, CreateTask, DeployPerformer, ExpectEvent, ExpectLog,
    ExpectPerformers, HarnessError, Load, RemovePerformer, SendTransaction, TaskEvent,
    document::duration,
    session::{Session, TrialThread},
    step::PendingStep,
};

/// Two chains, an aggregator, and an executor with its performer for each operator, all healthy.
///
/// Dropping it takes everything down and waits until that is done; [`Self::finish`] does so too, and checks the
/// invariants.
///
/// ```no_run
/// # use hourglass_api::{Chain, Harness, HarnessError, secs};
/// # async fn example() -> Result<(), HarnessError> {
/// let env = Harness::builder().start().await?;
/// env.create_task(Chain::L2, "0x04").await?.expect_verified().await?;
/// env.warp(Chain::L1, secs(3600)).await?;
/// env.mine(Chain::L2, 5).await?;
/// println!("{:?}, evidence in {}", env.components(), env.folder().display());
/// let report = env.finish().await?;
/// assert_eq!(report.tasks.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestEnvironment {
    guard: TrialGuard,
    standing: StandingEnvironment,
    l1: ChainHandle,
    l2: ChainHandle,
}

/// Abandons the trial unless it has ended.
#[derive(Debug)]
struct TrialGuard {
    session: Arc<Session>,
    thread: TrialThread,
    ended: bool,
}

impl TestEnvironment {
    /// The running environment. If this is dropped before, everything is taken down.
    pub(crate) async fn stood_up(session: Arc<Session>, thread: TrialThread) -> Result<Self, HarnessError> {
        let mut guard = TrialGuard { session, thread, ended: false };
        let Some(standing) = guard.thread.stands().await else {
            let error = guard.session.end().await;
            guard.ended = true;
            return Err(error);
        };
        let (l1, l2) = (ChainHandle::l1(&standing.l1), ChainHandle::l2(&standing.l2));
        Ok(Self { guard, standing, l1, l2 })
    }

    /// Creates a task when it is awaited, or expects that the mailbox refuses it.
    #[track_caller]
    pub fn create_task(&self, chain: Chain, payload: impl AsRef<[u8]>) -> CreateTask {
        CreateTask::new(&self.guard.session, chain, payload.as_ref(), Location::caller())
    }

    /// Creates many tasks when it is awaited, at a rate or so many at a time, and expects that each is verified in time.
    #[track_caller]
    pub fn load(&self, chain: Chain, payload: impl AsRef<[u8]>) -> Load {
        Load::new(&self.guard.session, chain, payload.as_ref(), Location::caller())
    }

    /// A component by its name: `aggregator`, `executor/NAME` or `performer/NAME`.
    pub fn component(&self, name: &str) -> Result<ComponentHandle, HarnessError> {
        let known = self.components();
        if !known.iter().any(|component| component == name) {
            return Err(HarnessError::UnknownComponent { name: name.to_owned(), known: known.to_vec() });
        }
        Ok(ComponentHandle::new(&self.guard.session, name))
    }

    /// The names of the components.
    pub fn components(&self) -> &[String] {
        self.guard.session.components()
    }

    /// L1.
    pub fn l1(&self) -> &ChainHandle {
        &self.l1
    }

    /// L2.
    pub fn l2(&self) -> &ChainHandle {
        &self.l2
    }

    /// Past and future events on one clock: records of components, events of chains.
    ///
    /// ```no_run
    /// # fn example(env: &hourglass_api::TestEnvironment) {
    /// for event in env.timeline().sorted() {
    ///     println!("{} {}: {}", event.at, event.source, event.message);
    /// }
    /// # }
    /// ```
    pub fn timeline(&self) -> &Timeline {
        &self.standing.timeline
    }

    /// The folder with the components' logs. It is removed with the environment, unless something failed.
    pub fn folder(&self) -> &Path {
        &self.standing.folder
    }

    /// The id in the labels of the whole environment; `harness ps` shows it.
    pub fn run_id(&self) -> String {
        self.standing.run.to_string()
    }

    /// Moves a chain's time forward and mines a block.
    #[track_caller]
    pub fn warp(&self, chain: Chain, by: Duration) -> Action {
        let step = PendingStep::new(&self.guard.session, "warp", Location::caller());
        Action(step.with("chain", chain.to_string().into()).with("by", duration(by)))
    }

    /// Mines blocks.
    #[track_caller]
    pub fn mine(&self, chain: Chain, blocks: u32) -> Action {
        let step = PendingStep::new(&self.guard.session, "mine", Location::caller());
        Action(step.with("chain", chain.to_string().into()).with("blocks", blocks.into()))
    }

    /// Waits until a component or a chain has reported an event about any task;
    /// [`Task::expect_event`](crate::Task::expect_event) is about one.
    #[track_caller]
    pub fn expect_event(&self, event: TaskEvent) -> ExpectEvent {
        ExpectEvent::new(PendingStep::new(&self.guard.session, "expect_event", Location::caller()), event)
    }

    /// Calls a view function of a contract, which has one of the names in [`ChainHandle::contracts`] or is an address. The
    /// function is given as its signature with the types of its results.
    ///
    /// ```no_run
    /// # use hourglass_api::{Chain, HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// let task = env.create_task(Chain::L2, "0x04").await?;
    /// task.expect_verified().await?;
    /// let hash = format!("{:?}", task.hash());
    /// env.call(Chain::L2, "task_mailbox", "getTaskStatus(bytes32) returns (uint8)").args([hash]).returns(["2"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn call(&self, chain: Chain, contract: impl Into<String>, function: impl Into<String>) -> Call {
        let step = PendingStep::new(&self.guard.session, "call", Location::caller());
        let step = step.with("chain", chain.to_string().into()).with("to", contract.into().into());
        Call(step.with("function", function.into().into()))
    }

    /// Sends a transaction to a contract, named as in [`Self::call`]. The function is given as its signature. It must succeed, unless
    /// [`SendTransaction::reverts_with`](crate::SendTransaction::reverts_with) says how it fails.
    ///
    /// ```no_run
    /// # use hourglass_api::{Chain, HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// env.send_transaction(Chain::L2, "fee_token", "mint(address,uint256)").args(["app", "1000"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn send_transaction(
        &self,
        chain: Chain,
        contract: impl Into<String>,
        function: impl Into<String>,
    ) -> SendTransaction {
        let step = PendingStep::new(&self.guard.session, "send_transaction", Location::caller());
        let step = step.with("chain", chain.to_string().into()).with("to", contract.into().into());
        SendTransaction(step.with("function", function.into().into()))
    }

    /// Waits until a contract, named as in [`Self::call`], has emitted an event. The event is given as its signature, with the word
    /// `indexed` behind the types that have it.
    ///
    /// ```no_run
    /// # use hourglass_api::{Chain, HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// let transfer = "Transfer(address indexed, address indexed, uint256)";
    /// env.expect_log(Chain::L2, "fee_token", transfer).values(["_", "app", "1000"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn expect_log(&self, chain: Chain, contract: impl Into<String>, event: impl Into<String>) -> ExpectLog {
        let step = PendingStep::new(&self.guard.session, "expect_log", Location::caller());
        let step = step.with("chain", chain.to_string().into()).with("contract", contract.into().into());
        ExpectLog(step.with("event", event.into().into()))
    }

    /// Deploys another performer of an operator through its executor's management service. Its environment is that of the configured
    /// performer, with what [`DeployPerformer::environment`] adds.
    ///
    /// ```no_run
    /// # use hourglass_api::{Chain, GrpcCode, HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// let green = env.deploy_performer("alice").environment("TASK_DELAY_MS", "20").await?;
    /// env.expect_performers("alice").count(1).in_service(&green).await?;
    /// env.create_task(Chain::L2, "0x04").await?.expect_verified().result("0x10").await?;
    /// green.remove().await?;
    /// env.remove_performer("alice").performer(&green).expect_refused(GrpcCode::NotFound).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn deploy_performer(&self, operator: impl AsRef<str>) -> DeployPerformer {
        DeployPerformer::new(&self.guard.session, operator.as_ref(), Location::caller())
    }

    /// Removes the performer of an operator that is in service, or [`RemovePerformer::performer`]; the executor then has no performer
    /// for tasks until one is deployed.
    #[track_caller]
    pub fn remove_performer(&self, operator: impl AsRef<str>) -> RemovePerformer {
        RemovePerformer::new(&self.guard.session, operator.as_ref(), Location::caller())
    }

    /// Waits until the executor of an operator lists these performers.
    #[track_caller]
    pub fn expect_performers(&self, operator: impl AsRef<str>) -> ExpectPerformers {
        ExpectPerformers::new(&self.guard.session, operator.as_ref(), Location::caller())
    }

    /// The cluster that the environment runs in, for what only Kubernetes can do.
    pub fn cluster(&self) -> ClusterHandle {
        ClusterHandle::new(&self.guard.session)
    }

    /// Checks the invariants of every trial, takes everything down, and returns the report: every task has ended, no
    /// component has ended by itself, no log has an ERROR that is not allowed, and nothing remains. A violation is an
    /// error with everything that was found.
    ///
    /// Failures of earlier steps, after which the test went on, do not count here.
    ///
    /// ```no_run
    /// # use hourglass_api::{HarnessError, TestEnvironment, Verdict};
    /// # async fn example(env: TestEnvironment) -> Result<(), HarnessError> {
    /// let report = env.finish().await?;
    /// assert_eq!(report.verdict, Verdict::Passed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish(mut self) -> Result<TrialReport, HarnessError> {
        self.guard.session.finish();
        let report = self.guard.session.report().await;
        self.guard.ended = true;
        match report? {
            report if report.verdict == Verdict::Passed => Ok(report),
            report => Err(self.guard.session.failure(report)),
        }
    }
}

impl Drop for TrialGuard {
    #[expect(clippy::print_stderr, reason = "whoever reads of a panic wants to know where the logs are")]
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.thread.abandon(self.session.has_failed());
        if !thread::panicking() {
            self.session.remove_interrupted();
        } else if let Some(folder) = self.session.evidence() {
            eprintln!("the environment's timeline and logs are in {}", folder.display());
        }
    }
}
