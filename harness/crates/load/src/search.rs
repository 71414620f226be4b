//! The search for the highest rate at which a bound holds: doubles the rate until it does not, then halves the interval
//! between the highest rate that held and the lowest that did not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The search ends when the lowest rate that did not hold is at most so many times the highest that held.
const CLOSE: f64 = 1.05;
/// The rates between which it searches, in tasks a second.
const LOWEST: f64 = 0.1;
const HIGHEST: f64 = 10_000.0;

/// What a load at one rate showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// Every task was verified, and the bound held.
    Held,
    /// The bound did not hold, or a task was not verified.
    Broken,
    /// Tasks could not be created at this rate: the load says nothing about what is tested.
    RateNotKept,
}

/// What limits the rate that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The bound: it does not hold at a rate that is at most 5 % higher.
    Bound,
    /// The creation of tasks: at a higher rate the harness and its chain could not create them, and what is tested may
    /// take more.
    Creation,
    /// The highest rate that is tried.
    HighestRate,
    /// The search ended before: the figure is the highest rate that held until then.
    Unfinished,
}

/// A search that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    start: f64,
    /// The highest rate that held.
    held: Option<f64>,
    /// The lowest rate that did not, and why.
    broken: Option<(f64, ProbeOutcome)>,
}

impl Search {
    /// A search that begins at this rate.
    pub const fn new(start: f64) -> Self {
        Self { start, held: None, broken: None }
    }

    /// The next rate to try; `None` when the search is over.
    pub fn next_rate(&self) -> Option<f64> {
        match (self.held, self.broken) {
            (None, None) => Some(self.start),
            (Some(held), None) => (held < HIGHEST).then(|| (2.0 * held).min(HIGHEST)),
            (None, Some((broken, _))) => (broken > LOWEST).then(|| (broken / 2.0).max(LOWEST)),
            (Some(held), Some((broken, _))) => {
                let middle = three_digits(f64::midpoint(held, broken));
                (broken > CLOSE * held && held < middle && middle < broken).then_some(middle)
            }
        }
    }

    /// Takes notice of what a rate showed.
    pub fn note(&mut self, rate: f64, outcome: ProbeOutcome) {
        match outcome {
            ProbeOutcome::Held => self.held = Some(self.held.map_or(rate, |held| held.max(rate))),
            _ if self.broken.is_none_or(|(broken, _)| rate < broken) => self.broken = Some((rate, outcome)),
            _ => {}
        }
    }

    /// The highest rate that held so far.
    pub const fn held(&self) -> Option<f64> {
        self.held
    }

    /// What limits that rate.
    pub fn limit(&self) -> Limit {
        match self.broken {
            _ if self.next_rate().is_some() => Limit::Unfinished,
            None => Limit::HighestRate,
            Some((_, ProbeOutcome::RateNotKept)) => Limit::Creation,
            Some(_) => Limit::Bound,
        }
    }
}

/// A rate that people can read and repeat.
fn three_digits(rate: f64) -> f64 {
    format!("{rate:.2e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a search on a system whose bound holds up to one rate, and whose generator keeps up to another.
    fn searched(start: f64, bound_holds_to: f64, rate_is_kept_to: f64) -> (Search, Vec<f64>) {
        let (mut search, mut rates) = (Search::new(start), Vec::new());
        while let Some(rate) = search.next_rate() {
            rates.push(rate);
            assert!(rates.len() < 40, "the search does not end: {rates:?}");
            search.note(
                rate,
                if rate > rate_is_kept_to {
                    ProbeOutcome::RateNotKept
                } else if rate > bound_holds_to {
                    ProbeOutcome::Broken
                } else {
                    ProbeOutcome::Held
                },
            );
        }
        (search, rates)
    }

    #[test]
    fn rates_double_until_one_breaks_and_the_rest_is_bisected() {
        let (search, rates) = searched(10.0, 100.0, 1e9);
        assert_eq!(rates, [10.0, 20.0, 40.0, 80.0, 160.0, 120.0, 100.0, 110.0, 105.0]);
        assert_eq!((search.held(), search.limit()), (Some(100.0), Limit::Bound));
    }

    #[test]
    fn a_start_that_is_too_fast_is_halved() {
        let (search, rates) = searched(64.0, 5.0, 1e9);
        assert_eq!(rates[..5], [64.0, 32.0, 16.0, 8.0, 4.0]);
        let held = search.held().unwrap();
        assert!((4.7..=5.0).contains(&held), "{held}");
    }

    /// A rate that the generator does not keep must not count as a limit of what is tested.
    #[test]
    fn a_rate_that_is_not_kept_is_told_apart_from_a_broken_bound() {
        let (search, _) = searched(10.0, 1e9, 100.0);
        assert_eq!((search.held(), search.limit()), (Some(100.0), Limit::Creation));
        let (search, _) = searched(10.0, 90.0, 100.0);
        assert_eq!(search.limit(), Limit::Bound);
    }

    #[test]
    fn a_search_stops_at_the_lowest_and_at_the_highest_rate() {
        let (search, rates) = searched(10.0, 0.0, 1e9);
        assert_eq!((search.held(), search.limit(), rates.last()), (None, Limit::Bound, Some(&LOWEST)));
        let (search, rates) = searched(10.0, 1e9, 1e9);
        assert_eq!((search.held(), search.limit(), rates.last()), (Some(HIGHEST), Limit::HighestRate, Some(&HIGHEST)));
        let mut search = Search::new(10.0);
        search.note(10.0, ProbeOutcome::Held);
        assert_eq!((search.held(), search.limit()), (Some(10.0), Limit::Unfinished));
    }

    proptest! {
        /// The rate that is found holds, and is at most 5 % (and the rounding of rates) below the true limit.
        #[test]
        fn the_found_rate_is_close_to_the_limit(limit in 0.2_f64..9_000.0, start in 0.5_f64..500.0) {
            let (search, _) = searched(start, limit, 1e9);
            let held = search.held().unwrap();
            prop_assert!(held <= limit && held * CLOSE * 1.01 >= limit, "{held} for {limit}");
        }
    }
}
