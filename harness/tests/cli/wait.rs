//! Waiting for what has no event: other processes' files and ends.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything that is waited for takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Looks, with growing pauses, until there is something or the limit passes; the last look comes after the limit.
pub(crate) fn eventually<T, E: Debug>(limit: Duration, mut look: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        let last_look = Instant::now() >= deadline;
        match look() {
            Err(_) if !last_look => thread::sleep(pause),
            result => return result,
        }
        pause = (2 * pause).min(Duration::from_millis(50));
    }
}
