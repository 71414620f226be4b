//! Tasks: created, or refused.

use std::{
    fmt,
    future::{Future, IntoFuture},
    panic::Location,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_scenario::Chain;

use crate::{
    ExpectEvent, ExpectExpired, ExpectRejected, ExpectVerified, HarnessError,
    document::{bytes, duration, literal},
    session::Session,
    step::PendingStep,
};

/// A task that is created when this is awaited.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::{Chain, secs};
/// let task = env.create_task(Chain::L1, "0x04").within(secs(60)).await?;
/// # let _ = task;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "the task is created when this is awaited"]
pub struct CreateTask {
    step: PendingStep,
    chain: Chain,
    payload: Vec<u8>,
    count: u32,
    avs: Option<String>,
    location: &'static Location<'static>,
}

impl CreateTask {
    pub(crate) fn new(
        session: &Arc<Session>,
        chain: Chain,
        payload: &[u8],
        location: &'static Location<'static>,
    ) -> Self {
        Self {
            step: PendingStep::new(session, "create_task", location),
            chain,
            payload: payload.to_vec(),
            count: 1,
            avs: None,
            location,
        }
    }

    /// Creates so many tasks at once, with the same payload: a group, of which each is expected to end alike.
    ///
    /// ```no_run
    /// # use hourglass_api::{Chain, HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// let group = env.create_task(Chain::L2, "0x04").count(20).await?;
    /// assert_eq!(group.hashes().len(), 20);
    /// group.expect_verified().result("0x10").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn count(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// Creates it for an AVS beside the first, which is the default. [`Self::expect_rejected`] is for the first AVS alone.
    pub fn avs(self, name: impl Into<String>) -> Self {
        Self { avs: Some(name.into()), ..self }
    }

    /// How long it may take until the task is mined; default: 30 s, and a tenth of a second more for each further task of a
    /// group.
    pub fn within(mut self, limit: Duration) -> Self {
        self.step = self.step.with("within", duration(limit));
        self
    }

    /// Creates the task when this is awaited, and expects that the mailbox refuses it with this custom error, as
    /// `PayloadIsEmpty`.
    pub fn expect_rejected(self, error: impl Into<String>) -> ExpectRejected {
        let step = PendingStep::new(self.step.session(), "expect_rejected", self.location);
        // The loader refuses the key: a task that must be rejected is one for the first AVS.
        let step = for_avs(step, self.avs.as_deref());
        let (key, payload) = bytes("payload", &self.payload);
        let error = error.into();
        ExpectRejected(step.with("chain", self.chain.to_string().into()).with(key, payload).with("error", error.into()))
    }

    async fn create(self) -> Result<Task, HarnessError> {
        let session = Arc::clone(self.step.session());
        let alias = session.next_task();
        let (key, payload) = bytes("payload", &self.payload);
        let step = self.step.with("as", alias.as_str().into()).with("chain", self.chain.to_string().into());
        let step = for_avs(step, self.avs.as_deref());
        let hashes = step.with(key, payload).with("count", self.count.into()).created().await?;
        Ok(Task { session, alias, hashes: hashes.into(), chain: self.chain, avs: self.avs })
    }
}

/// The same step for an AVS: for the first without a name.
fn for_avs(step: PendingStep, avs: Option<&str>) -> PendingStep {
    match avs {
        Some(avs) => step.with("avs", literal(avs)),
        None => step,
    }
}

impl IntoFuture for CreateTask {
    type Output = Result<Task, HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.create())
    }
}

/// A task that was created.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::Chain;
/// let task = env.create_task(Chain::L2, "0x04").await?;
/// println!("task {:?} on {}", task.hash(), task.chain());
/// task.expect_verified().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Task {
    session: Arc<Session>,
    alias: String,
    /// One at least.
    hashes: Arc<[H256]>,
    chain: Chain,
    /// The AVS that it is for; `None` for the first.
    avs: Option<String>,
}

impl Task {
    /// Its hash; of a group, that of the first task.
    pub fn hash(&self) -> H256 {
        self.hashes.first().copied().unwrap_or_default()
    }

    /// The hashes of the tasks of a group, in the order of their creation; one for a single task.
    pub fn hashes(&self) -> &[H256] {
        &self.hashes
    }

    /// The chain that its mailbox is on.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// Waits until it is verified, and judges result, certificate and status on chain.
    #[track_caller]
    pub fn expect_verified(&self) -> ExpectVerified {
        ExpectVerified(self.step("expect_verified", Location::caller()))
    }

    /// Waits until it has expired without a result. With a block for each transaction, the chain is warped past the
    /// deadline; with [`HarnessBuilder::mining_every`](crate::HarnessBuilder::mining_every), this waits for the
    /// deadline.
    #[track_caller]
    pub fn expect_expired(&self) -> ExpectExpired {
        ExpectExpired(self.step("expect_expired", Location::caller()))
    }

    /// Waits until a component or a chain has reported an event about it.
    #[track_caller]
    pub fn expect_event(&self, event: TaskEvent) -> ExpectEvent {
        ExpectEvent::new(self.step("expect_event", Location::caller()), event)
    }

    fn step(&self, kind: &'static str, location: &'static Location<'static>) -> PendingStep {
        PendingStep::new(&self.session, kind, location).about(&self.alias, self.avs.as_deref())
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hashes.len() {
            1 => write!(formatter, "Task({:?} on {})", self.hash(), self.chain),
            count => write!(formatter, "Task({count} tasks on {})", self.chain),
        }
    }
}
