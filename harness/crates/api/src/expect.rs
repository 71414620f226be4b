//! Expectations: built like the keys of a step, and judged when they are awaited. A failure is a
//! [`HarnessError::Failed`].

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use hourglass_component::events::TaskEvent;
use serde_json::{Value, json};

use crate::{
    HarnessError,
    document::{bytes, duration, literal, literals},
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

/// An event is reported: [`Task::expect_event`](crate::Task::expect_event),
/// [`TestEnvironment::expect_event`](crate::TestEnvironment::expect_event).
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::{Chain, TaskEvent};
/// let task = env.create_task(Chain::L2, "0x04").await?;
/// task.expect_event(TaskEvent::PerformerStarted).component("executor/alice").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectEvent(PendingStep);

/// A view function returns values: [`TestEnvironment::call`](crate::TestEnvironment::call).
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct Call(pub(crate) PendingStep);

impl ExpectEvent {
    pub(crate) fn new(step: PendingStep, event: TaskEvent) -> Self {
        Self(step.with("event", event.as_str().into()))
    }

    /// The component that must report it; without this, any may.
    pub fn component(self, name: impl AsRef<str>) -> Self {
        Self(self.0.with("component", literal(name.as_ref())))
    }

    /// How many such events there must be at least, counted from the start of the environment, and of a group for each of its
    /// tasks; default: one.
    pub fn count(self, count: u32) -> Self {
        Self(self.0.with("count", count.into()))
    }
}

/// A contract emits an event: [`TestEnvironment::expect_log`](crate::TestEnvironment::expect_log).
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectLog(pub(crate) PendingStep);

impl ExpectLog {
    /// What its parameters must be, as those of [`Call::args`]; `_` stands for any value. An address may be the name of a
    /// contract or of an account. Without this, they may be anything.
    pub fn values(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("values", names(values)))
    }

    /// How many such logs there must be at least, counted from the start of the environment; default: one.
    pub fn count(self, count: u32) -> Self {
        Self(self.0.with("count", count.into()))
    }
}

/// A transaction succeeds, or reverts as expected: [`TestEnvironment::send_transaction`](crate::TestEnvironment::send_transaction).
#[derive(Debug, Clone)]
#[must_use = "a transaction is sent when it is awaited"]
pub struct SendTransaction(pub(crate) PendingStep);

impl SendTransaction {
    /// The arguments, as those of [`Call::args`]; an address may be the name of a contract or of an account.
    pub fn args(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("args", names(values)))
    }

    /// The account that sends it: `deployer` (the default), `avs`, `avs/NAME`, `app`, `aggregator` or `operator/NAME`.
    pub fn from(self, account: impl AsRef<str>) -> Self {
        Self(self.0.with("from", literal(account.as_ref())))
    }

    /// The name of the custom error with which the contract must revert.
    pub fn reverts_with(self, error: impl AsRef<str>) -> Self {
        Self(self.0.with("reverts_with", literal(error.as_ref())))
    }
}

impl Call {
    /// The arguments as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and tuples as JSON arrays of
    /// texts.
    pub fn args(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("args", names(values)))
    }

    /// What it must return, in the same form.
    pub fn returns(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(self.0.with("expect", names(values)))
    }
}

impl ExpectVerified {
    /// The result, byte for byte; without this, any result will do.
    pub fn result(self, result: impl AsRef<[u8]>) -> Self {
        let (key, result) = bytes("result", result.as_ref());
        Self(self.0.without("result").without("result_hex").with(key, result))
    }

    /// Values that the result must be the encoding of, as `abi.encode` of a contract encodes them: types as `(uint256,string)`, and
    /// the values as text, as those of [`Call::args`].
    pub fn result_abi(self, types: impl AsRef<str>, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let types = literal(types.as_ref());
        Self(self.0.with("result_abi", json!({"types": types, "values": names(values)})))
    }

    /// What the result must contain as JSON: mappings may have more entries, anything else must be equal. If all keys begin with
    /// `/`, they are JSON pointers into the result.
    pub fn result_json(self, expected: Value) -> Self {
        Self(self.0.with("result_json", literals(expected)))
    }

    /// A regular expression that must match somewhere in the result, which must be text.
    pub fn result_matches(self, expression: impl AsRef<str>) -> Self {
        Self(self.0.with("result_matches", literal(expression.as_ref())))
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

fn names(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    texts.into_iter().map(|text| literal(text.as_ref())).collect()
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

awaited!(ExpectVerified, ExpectExpired, ExpectRejected, ExpectEvent, ExpectLog, Call, SendTransaction);
