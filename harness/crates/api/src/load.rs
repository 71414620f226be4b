//! Load: tasks at a rate or so many at a time.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hourglass_component::keys::H256;
use hourglass_scenario::Chain;

use crate::{
    HarnessError,
    document::{bytes, duration},
    session::Session,
    step::PendingStep,
};

/// Tasks that are created at a rate or so many at a time, each of which must be verified in time:
/// [`TestEnvironment::load`](crate::TestEnvironment::load). Needs [`Self::rate`] or [`Self::concurrency`], and
/// [`Self::tasks`] or [`Self::duration`]. Gives the hashes of the tasks.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::{Chain, secs};
/// let hashes = env.load(Chain::L2, "0x04").rate(20.0).tasks(200).result("0x10").within(secs(10)).await?;
/// assert_eq!(hashes.len(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "tasks are created when this is awaited"]
pub struct Load(PendingStep);

impl Load {
    pub(crate) fn new(
        session: &Arc<Session>,
        chain: Chain,
        payload: &[u8],
        location: &'static std::panic::Location<'static>,
    ) -> Self {
        let (key, payload) = bytes("payload", payload);
        let step = PendingStep::new(session, "load", location).with("as", session.next_task().into());
        Self(step.with("chain", chain.to_string().into()).with(key, payload))
    }

    /// So many tasks a second; each is due at its time, whether or not earlier ones are done.
    pub fn rate(self, rate: f64) -> Self {
        Self(self.0.with("rate", rate.into()))
    }

    /// So many tasks at a time: one is created as soon as another is verified or given up.
    pub fn concurrency(self, tasks: u32) -> Self {
        Self(self.0.with("concurrency", tasks.into()))
    }

    /// The most tasks.
    pub fn tasks(self, tasks: u32) -> Self {
        Self(self.0.with("tasks", tasks.into()))
    }

    /// When no further task is created.
    pub fn duration(self, time: Duration) -> Self {
        Self(self.0.with("duration", duration(time)))
    }

    /// The result of each task; without this, any will do.
    pub fn result(self, result: impl AsRef<[u8]>) -> Self {
        let (key, result) = bytes("result", result.as_ref());
        Self(self.0.without("result").without("result_hex").with(key, result))
    }

    /// The tasks are sent from inside the cluster, by so many pods that share them; needs the Kubernetes runtime.
    pub fn workers(self, workers: u32) -> Self {
        Self(self.0.with("workers", workers.into()))
    }

    /// How long each task may take until it is verified; default: 30 s.
    pub fn within(self, limit: Duration) -> Self {
        Self(self.0.with("within", duration(limit)))
    }
}

impl IntoFuture for Load {
    type Output = Result<Vec<H256>, HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.created())
    }
}
