//! How much is collected, and for how long.

use std::time::Duration;

use tokio::time::Instant;

/// How much is collected at most, and how long that may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size of one file in bytes; the end of a longer one is kept.
    pub file: usize,
    /// The size of all files in bytes.
    pub total: usize,
    /// From the call to the written summary.
    pub within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 1 << 20, total: 64 << 20, within: Duration::from_secs(10) }
    }
}

/// When each part of a collection that begins now must have ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// An API server that has not answered by then gets no more requests.
    pub(super) answer: Instant,
    /// What has not arrived by then is left out.
    pub(super) end: Instant,
}

impl Deadlines {
    pub(super) fn of(limits: &Limits) -> Self {
        let now = Instant::now();
        // The rest of the time is for the summary, and for a busy machine.
        Self { answer: now + limits.within / 4, end: now + limits.within * 3 / 4 }
    }
}
