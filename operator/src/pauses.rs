//! How long to wait before the API server is asked once more after it could not be.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The longest pause, and once more as long at random: an API server that is back is noticed soon.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that grow with every failure; after a success they begin anew.
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
