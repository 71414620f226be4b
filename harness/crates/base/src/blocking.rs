//! Work that blocks.

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;
use tracing::Span;

/// Does work that blocks on a thread of its own, in the span of the caller. A panic of the work continues in the caller.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let span = Span::current();
    // Nothing aborts it, so the join fails only if the work panicked.
    spawn_blocking(move || span.in_scope(work)).await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
