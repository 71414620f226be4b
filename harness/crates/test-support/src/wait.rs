//! Waiting for what has no event: other processes' files and ends. No wait is without a limit.

use std::{
    fmt::Debug,
    future::Future,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything that is waited for takes on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(1);
/// The longest pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks, with growing pauses, until there is something or the limit passes; the last look comes after the limit.
pub fn eventually<T, E: Debug>(limit: Duration, mut look: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        let last_look = Instant::now() >= deadline;
        match look() {
            Err(_) if !last_look => thread::sleep(pause),
            result => return result,
        }
        pause = (2 * pause).min(PAUSE);
    }
}

/// What `event` gives. It panics if that takes longer than the limit; `what` says what was waited for.
pub async fn within<T>(limit: Duration, what: &str, event: impl Future<Output = T>) -> T {
    let timeout = tokio::time::timeout(limit, event).await;
    timeout.unwrap_or_else(|_| panic!("waited {limit:?} for this: {what}"))
}

/// Asks, with growing pauses, until there is an answer. It panics if there is none within the limit.
pub async fn answer_within<T, F>(limit: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let answer = async {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(PAUSE);
        }
    };
    within(limit, what, answer).await
}
