//! Waits for states that have no event: other processes' files and ends. Every wait has a limit.

use std::{
    fmt::Debug,
    future::Future,
    thread,
    time::{Duration, Instant},
};

/// Longer than any awaited state takes on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(1);
/// The longest pause between two checks.
const PAUSE: Duration = Duration::from_millis(50);

/// Checks, with growing pauses, until there is a value or the limit passes; the last check comes after the limit.
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

/// The value of `event`. It panics if that takes longer than the limit; `what` names the event.
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
