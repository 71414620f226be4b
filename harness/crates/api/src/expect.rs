//! Expectations: put together like the keys of a step, and judged when they are awaited. A failure is a
//! [`HarnessError::Failed`].

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use serde_json::Value;

use crate::{
    HarnessError,
    document::{bytes, duration, literal},
    step::PendingStep,
};

/// A task is verified: [`Task::expect_verified`](crate::Task::expect_verified).
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::{Chain, secs};
/// let task = env.create_task(Chain::L2, "0x04").await?;
/// task.expect_verified().result("0x10").signed_by(["alice"]).not_signed_by(["carol"]).within(secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectVerified(pub(crate) PendingStep);

/// A task expires: [`Task::expect_expired`](crate::Task::expect_expired).
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::Chain;
/// env.component("executor/alice")?.kill().await?;
/// env.create_task(Chain::L2, "0x04").await?.expect_expired().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectExpired(pub(crate) PendingStep);

/// A task is refused: [`CreateTask::expect_rejected`](crate::CreateTask::expect_rejected).
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::Chain;
/// env.create_task(Chain::L2, "").expect_rejected("PayloadIsEmpty").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectRejected(pub(crate) PendingStep);

impl ExpectVerified {
    /// The result, byte for byte; without this, any result will do.
    pub fn result(self, result: impl AsRef<[u8]>) -> Self {
        let (key, result) = bytes("result", result.as_ref());
        Self(self.0.without("result").without("result_hex").with(key, result))
    }

    /// Operators whose signatures must be in the certificate.
    pub fn signed_by(self, operators: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("signed_by", names(operators)))
    }

    /// Operators whose signatures must not be in the certificate.
    pub fn not_signed_by(self, operators: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("not_signed_by", names(operators)))
    }
}

fn names(operators: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    operators.into_iter().map(|name| literal(name.as_ref())).collect()
}

macro_rules! awaited {
    ($($expectation:ident),+) => {$(
        impl $expectation {
            /// How long to wait; default: 10 s.
            pub fn within(self, limit: Duration) -> Self {
                Self(self.0.with("within", duration(limit)))
            }
        }

        impl IntoFuture for $expectation {
            type Output = Result<(), HarnessError>;
            type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.0.done())
            }
        }
    )+};
}

awaited!(ExpectVerified, ExpectExpired, ExpectRejected);
