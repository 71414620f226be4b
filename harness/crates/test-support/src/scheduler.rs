//! The scheduler of all tests in a process.

use std::{future::Future, sync::OnceLock};

use tokio::runtime::Runtime;

/// Runs `future` on a scheduler with several threads that lives as long as the process: a connection, to a cluster for
/// example, lives no longer than the scheduler in which it was made.
#[expect(clippy::expect_used, reason = "a test ends at what it did not expect")]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads of a scheduler can be started")).block_on(future)
}
