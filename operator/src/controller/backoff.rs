//! How long a Performer whose reconcile failed waits for the next.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use kube::runtime::reflector::ObjectRef;

use crate::api::Performer;

const FIRST: Duration = Duration::from_millis(250);
/// The longest pause. Up to as much again is added at random, so that Performers that failed together are not retried
/// together.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses of each Performer, longer with each failure in a row.
#[derive(Default)]
pub(super) struct Backoffs(Mutex<HashMap<ObjectRef<Performer>, ExponentialBackoff>>);

impl Backoffs {
    /// The pause after one more failure of `performer`.
    pub(super) fn next(&self, performer: &ObjectRef<Performer>) -> Duration {
        let mut backoffs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let backoff = backoffs.entry(performer.clone()).or_insert_with(|| {
            ExponentialBuilder::default()
                .with_min_delay(FIRST)
                .with_max_delay(LONGEST)
                .with_jitter()
                .without_max_times()
                .build()
        });
        backoff.next().unwrap_or(LONGEST)
    }

    /// Forgets the failures of `performer`, which has succeeded or is gone.
    pub(super) fn reset(&self, performer: &ObjectRef<Performer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(performer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_reset_after_a_success() {
        let backoffs = Backoffs::default();
        let (one, other) = (ObjectRef::new("p").within("a"), ObjectRef::new("p").within("b"));
        let pauses: Vec<_> = (0..12).map(|_| backoffs.next(&one)).collect();
        assert!(pauses[0] >= FIRST && pauses[0] <= 2 * FIRST, "{pauses:?}");
        assert!(pauses[5] >= 8 * FIRST, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 2 * LONGEST), "{pauses:?}");
        assert!(pauses[11] >= LONGEST, "{pauses:?}");
        assert!(backoffs.next(&other) <= 2 * FIRST, "another Performer does not wait for this one's failures");
        backoffs.reset(&one);
        assert!(backoffs.next(&one) <= 2 * FIRST);
    }
}
