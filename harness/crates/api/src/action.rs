//! What a test does to an environment: put together like the keys of a step, and done when it is awaited.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use crate::{HarnessError, document::duration, step::PendingStep};

/// Something that is done to the environment when this is awaited, such as [`ComponentHandle::kill`](crate::ComponentHandle::kill).
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
#[must_use = "it is done when it is awaited"]
pub struct Action(pub(crate) PendingStep);

impl Action {
    /// How long it may take; default: that of the step in a scenario, 10 s for most.
    pub fn within(self, limit: Duration) -> Self {
        Self(self.0.with("within", duration(limit)))
    }
}

impl IntoFuture for Action {
    type Output = Result<(), HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.done())
    }
}
