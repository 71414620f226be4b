//! The pauses between tries to reach the API server.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The longest pause. Up to as much again is added at random. An API server that is back is noticed soon.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that grow with every failure; a success resets them.
pub(crate) struct Pauses(ExponentialBackoff);

impl Default for Pauses {
    fn default() -> Self {
        let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(100)).with_max_delay(LONGEST);
        Self(pauses.with_jitter().without_max_times().build())
    }
}

impl Pauses {
    /// Waits after one more failure.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0.next().unwrap_or(LONGEST)).await;
    }
}
