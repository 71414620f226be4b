//! Work that runs on its own and has several waiting callers: each gets its result or its error, even if another caller
//! was cancelled, and however the work ends.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures::FutureExt as _;
use hourglass_component::causes::with_causes;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use crate::RuntimeError;

/// See the module. The work is given up when this is dropped.
#[derive(Debug)]
pub(super) struct SharedWork<T> {
    work: AbortOnDropHandle<()>,
    outcome: Arc<OnceLock<Result<T, Failure>>>,
    /// Cancelled when the work has ended, in whatever way.
    ended: CancellationToken,
}

/// An error that one caller gets whole, and the others as its text.
#[derive(Debug)]
struct Failure {
    error: Mutex<Option<RuntimeError>>,
    text: String,
}

impl<T: Send + Sync + 'static> SharedWork<T> {
    /// Starts it.
    pub(super) fn begin(work: impl Future<Output = Result<T, RuntimeError>> + Send + 'static) -> Self {
        let (outcome, ended) = (Arc::new(OnceLock::new()), CancellationToken::new());
        // Dropped with the task, so that an aborted task ends the waits too.
        let (guard, result) = (ended.clone().drop_guard(), Arc::clone(&outcome));
        let work = async move {
            let _guard = guard;
            // A panic was reported already; the callers must learn that no result comes.
            let done = AssertUnwindSafe(work).catch_unwind().await;
            let done = done.unwrap_or_else(|_| Err(not_prepared("it panicked")));
            // This is the only place that sets it.
            let _ = result.set(done.map_err(Failure::from));
        };
        let work = tokio::spawn(work.in_current_span());
        Self { work: AbortOnDropHandle::new(work), outcome, ended }
    }

    /// Waits for its end.
    pub(super) async fn done(&self) -> Result<&T, RuntimeError> {
        self.ended.cancelled().await;
        match self.outcome.get() {
            Some(Ok(done)) => Ok(done),
            Some(Err(failure)) => Err(failure.told()),
            None => Err(not_prepared("the trial was given up meanwhile")),
        }
    }

    /// Ends it.
    pub(super) fn give_up(&self) {
        self.work.abort();
    }

    /// Its result, if it has one by now.
    pub(super) fn so_far(&self) -> Option<&T> {
        self.outcome.get()?.as_ref().ok()
    }
}

impl Failure {
    fn told(&self) -> RuntimeError {
        let first = self.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| not_prepared(&self.text))
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Self { text: with_causes(&error), error: Mutex::new(Some(error)) }
    }
}

fn not_prepared(reason: &str) -> RuntimeError {
    RuntimeError::NotPrepared { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Far longer than needed for something that has happened already.
    const SOON: Duration = Duration::from_secs(10);

    async fn soon<F: Future>(waiting: F) -> F::Output {
        timeout(SOON, waiting).await.expect("a caller waits for ever")
    }

    fn failed() -> RuntimeError {
        RuntimeError::Inapplicable { reason: "there is no disk".to_owned() }
    }

    /// The first caller may be a step that reaches its time limit.
    #[tokio::test]
    async fn a_cancelled_caller_does_not_cancel_the_work() {
        let (finish, finished) = tokio::sync::oneshot::channel();
        let work = SharedWork::begin(async move { finished.await.map_err(|_| failed()) });
        assert!(timeout(Duration::ZERO, work.done()).await.is_err(), "it is not done");
        finish.send(7).unwrap();
        assert_eq!(*soon(work.done()).await.unwrap(), 7);
        assert_eq!(work.so_far(), Some(&7));
    }

    /// The kind of an error decides its remedy; one caller with the whole error is enough for that.
    #[tokio::test]
    async fn every_caller_gets_the_error() {
        let work = SharedWork::<()>::begin(async { Err(failed()) });
        let first = soon(work.done()).await.unwrap_err();
        assert!(matches!(first, RuntimeError::Inapplicable { .. }), "{first:?}");
        for _ in 0..2 {
            let next = soon(work.done()).await.unwrap_err().to_string();
            assert!(
                next.starts_with("failed to prepare the cluster: ") && next.ends_with("there is no disk"),
                "{next}"
            );
        }
    }

    #[tokio::test]
    async fn every_caller_is_told_of_a_panic() {
        let work = SharedWork::<()>::begin(async { panic!("out of luck") });
        for _ in 0..2 {
            assert!(soon(work.done()).await.unwrap_err().to_string().contains("it panicked"));
        }
    }

    #[tokio::test]
    async fn callers_of_work_that_is_given_up_do_not_wait() {
        let work = SharedWork::<()>::begin(std::future::pending());
        let waiting = work.done();
        work.give_up();
        assert!(soon(waiting).await.unwrap_err().to_string().contains("was given up"));
        assert!(soon(work.done()).await.is_err());
    }
}
