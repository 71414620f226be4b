//! Percentiles of latencies, by phase, since a task was due and since it was sent.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use hourglass_base::age;
use hourglass_timeline::PHASES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::LoadTask;

/// Significant digits of a percentile: it is at most a thousandth off.
const DIGITS: u8 = 3;
/// The longest latency that is told apart from longer ones, in microseconds: a day.
const LONGEST: u64 = 24 * 60 * 60 * 1_000_000;

/// The percentiles of some latencies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many latencies there are.
    pub count: u64,
    /// Half of them are at most this.
    pub p50_ms: f64,
    /// 95 % of them are.
    pub p95_ms: f64,
    /// 99 % of them are.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// The latencies up to one phase, of all tasks that reached it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseLatency {
    /// The phase, as in the reports of trials: `created` to `verified`.
    pub phase: String,
    /// Since the tasks were due. At a fixed rate this includes how long a task had to wait until it was sent, so that a
    /// stall counts for every task that was due during it (no coordinated omission).
    pub since_due: Percentiles,
    /// Since the tasks were sent.
    pub since_sent: Percentiles,
}

/// Latencies in a histogram, whose memory does not depend on their number.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// In microseconds.
    histogram: Histogram<u64>,
    /// In microseconds; the histogram rounds.
    longest: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// No latency yet.
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants, and a test creates one")]
        let histogram = Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("1 to a day with three digits");
        Self { histogram, longest: 0 }
    }

    /// Adds a latency; one of more than a day counts as a day.
    pub fn add(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).min(LONGEST);
        self.histogram.saturating_record(microseconds);
        self.longest = self.longest.max(microseconds);
    }

    /// The percentiles; `None` without a latency.
    pub fn percentiles(&self) -> Option<Percentiles> {
        // The upper end of a bucket may be beyond the longest latency.
        let at = |quantile: f64| milliseconds(self.histogram.value_at_quantile(quantile).min(self.longest));
        (!self.histogram.is_empty()).then(|| Percentiles {
            count: self.histogram.len(),
            p50_ms: at(0.50),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: milliseconds(self.longest),
        })
    }
}

/// The latencies of tasks by phase, in the order of the phases; those that a task reached.
pub fn by_phase<'a>(tasks: impl IntoIterator<Item = &'a LoadTask>) -> Vec<PhaseLatency> {
    let mut phases: BTreeMap<&str, [Latencies; 2]> = BTreeMap::new();
    for task in tasks {
        for (phase, at) in task.times.reached() {
            let [due, sent] = phases.entry(phase).or_default();
            due.add(age(task.due, at));
            sent.add(age(task.sent, at));
        }
    }
    let in_order = PHASES.into_iter().filter_map(|phase| {
        let [since_due, since_sent] = phases.get(phase)?.each_ref().map(Latencies::percentiles);
        Some(PhaseLatency { phase: phase.to_owned(), since_due: since_due?, since_sent: since_sent? })
    });
    in_order.collect()
}

fn milliseconds(microseconds: u64) -> f64 {
    // Whole microseconds: without the error of the division.
    (Duration::from_micros(microseconds).as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn percentiles(latencies: impl IntoIterator<Item = Duration>) -> Option<Percentiles> {
        let mut all = Latencies::new();
        latencies.into_iter().for_each(|latency| all.add(latency));
        all.percentiles()
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let of = percentiles((1..=1000).map(Duration::from_millis)).unwrap();
        assert_eq!((of.count, of.max_ms), (1000, 1000.0));
        for (found, exact) in [(of.p50_ms, 500.0), (of.p95_ms, 950.0), (of.p99_ms, 990.0)] {
            assert!((exact..=exact * 1.001).contains(&found), "{found} is not {exact}");
        }
        assert_eq!(percentiles([]), None);
    }

    proptest! {
        /// No value is off by more than a thousandth, from a microsecond to a day.
        #[test]
        fn a_latency_has_three_digits(microseconds in 1_u64..LONGEST, longer in 1_u64..LONGEST) {
            let (short, long) = (microseconds.min(longer), microseconds.max(longer));
            let of = percentiles([short, short, long].map(Duration::from_micros)).unwrap();
            let exact = Duration::from_micros(short).as_secs_f64() * 1e3;
            prop_assert!((exact..=exact * 1.001 + 1e-9).contains(&of.p50_ms), "{} is not {}", of.p50_ms, exact);
            prop_assert!(of.p99_ms <= of.max_ms);
        }
    }

    /// A system that answers nothing for a second at 100 tasks/s delays a hundred tasks, and not only the one that was
    /// under way: measured since the tasks were due, more than the slowest percent has waited.
    #[test]
    fn a_stall_counts_for_every_task_that_was_due_during_it() {
        let start: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let tasks: Vec<_> = (0..1000_u64)
            .map(|index| {
                let due = start + crate::arrivals::due(index, 100.0);
                // From the fifth second to the sixth, nothing is sent.
                let stalled = (500..600).contains(&index);
                let sent = if stalled { start + Duration::from_secs(6) } else { due };
                let mut task = LoadTask::sent(index, due, sent);
                task.times = hourglass_timeline::TaskTimes::verified_at(sent + Duration::from_millis(5));
                task
            })
            .collect();
        let phases = by_phase(&tasks);
        let [verified] = phases.as_slice() else { panic!("{phases:?}") };
        assert!(verified.since_sent.max_ms <= 5.0 && verified.since_sent.count == 1000, "{verified:?}");
        assert!((900.0..=920.0).contains(&verified.since_due.p99_ms), "{verified:?}");
        assert!((1005.0..=1006.1).contains(&verified.since_due.max_ms), "{verified:?}");
        assert!(verified.since_due.p50_ms <= 5.1, "{verified:?}");
    }
}
