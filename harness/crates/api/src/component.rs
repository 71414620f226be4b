//! Components of an environment, and what a test can do to them.

use std::{
    future::{Future, IntoFuture},
    panic::Location,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use crate::{HarnessError, document::duration, session::Session, step::PendingStep};

/// A component of an environment, as `executor/alice`.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// let executor = env.component("executor/alice")?;
/// executor.pause().await?;
/// executor.resume().await?;
/// executor.kill().await?;
/// executor.restart().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ComponentHandle {
    session: Arc<Session>,
    name: String,
}

impl ComponentHandle {
    pub(crate) fn new(session: &Arc<Session>, name: &str) -> Self {
        Self { session: Arc::clone(session), name: name.to_owned() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kills it at once, without a chance to clean up. It must be running.
    #[track_caller]
    pub fn kill(&self) -> impl Future<Output = Result<(), HarnessError>> + Send + use<> {
        self.step("kill", Location::caller()).done()
    }

    /// Stops its clock: it stands still, its connections stay open.
    #[track_caller]
    pub fn pause(&self) -> impl Future<Output = Result<(), HarnessError>> + Send + use<> {
        self.step("pause", Location::caller()).done()
    }

    /// Lets it go on after [`Self::pause`].
    #[track_caller]
    pub fn resume(&self) -> impl Future<Output = Result<(), HarnessError>> + Send + use<> {
        self.step("resume", Location::caller()).done()
    }

    /// Starts it again, after stopping it if it runs, and waits until it is ready.
    #[track_caller]
    pub fn restart(&self) -> Restart {
        Restart(self.step("restart", Location::caller()))
    }

    fn step(&self, kind: &'static str, place: &'static Location<'static>) -> PendingStep {
        PendingStep::new(&self.session, kind, place).with("component", self.name.as_str().into())
    }
}

/// A component that is started again when this is awaited.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::secs;
/// env.component("aggregator")?.restart().within(secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it begins when it is awaited"]
pub struct Restart(PendingStep);

impl Restart {
    /// How long it may take to be ready; default: 10 s.
    pub fn within(self, limit: Duration) -> Self {
        Self(self.0.with("within", duration(limit)))
    }
}

impl IntoFuture for Restart {
    type Output = Result<(), HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.done())
    }
}
