//! Statistics of comparisons: quantiles, an interval of a ratio, a test, and its correction for many metrics.
//!
//! What may live here: functions of numbers that know nothing of trials.
//! docs/decisions/0036-statistics-of-comparisons.md says why these.

mod bootstrap;
mod holm;
mod signed_rank;

pub use bootstrap::{interval_of, paired_interval, unpaired_interval};
pub use holm::holm;
pub use signed_rank::{LEAST_PAIRS, signed_rank};

use super::Interval;

/// A difference is reported if its p-value is at most this: of a hundred comparisons of equal sides, about one reports a
/// difference.
pub const SIGNIFICANCE: f64 = 0.01;
/// An interval whose ends are further from its middle than by this factor is too wide.
pub const PRECISION: f64 = 1.1;

/// The median; `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The 95th percentile; `None` without values.
pub fn p95(values: &[f64]) -> Option<f64> {
    quantile(values, 0.95)
}

/// The value below which this share of the values lies, interpolated linearly between the two nearest ones: of `n` sorted
/// values, that at the place `(n − 1) · share`, counted from zero. R calls it type 7; it is the default of R and `NumPy`.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = float(sorted.len().checked_sub(1)?) * share;
    let below = index(place.floor());
    let (low, high) = (sorted.get(below)?, sorted.get(below + 1).or(sorted.last())?);
    Some(low + (high - low) * place.fract())
}

/// About how many pairs narrow an interval of a ratio to [`PRECISION`] on each side, if it is wider with `pairs`: its
/// width falls with the square root of their number.
pub fn pairs_needed(pairs: usize, interval: Interval) -> Option<usize> {
    let half = (interval.high / interval.low).ln() / 2.0;
    let wider = half / PRECISION.ln();
    (wider > 1.0 && wider.is_finite()).then(|| index((float(pairs) * wider * wider).ceil()))
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers from zero; `as` saturates")]
fn index(whole: f64) -> usize {
    whole as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: of five values, a share of 0.4 is at the place 1.6.
    #[rstest::rstest]
    #[case(&[7.0], 0.95, 7.0)]
    #[case(&[2.0, 1.0], 0.5, 1.5)]
    #[case(&[3.0, 1.0, 2.0], 0.5, 2.0)]
    #[case(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25, 2.0)]
    #[case(&[15.0, 20.0, 35.0, 40.0, 50.0], 0.4, 29.0)]
    #[case(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 0.95, 9.55)]
    fn quantiles_are_interpolated(#[case] values: &[f64], #[case] share: f64, #[case] expected: f64) {
        assert!((quantile(values, share).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn no_values_have_no_quantile() {
        assert_eq!((median(&[]), p95(&[])), (None, None));
    }

    #[rstest::rstest]
    #[case::narrow(0.95, 1.05, None)]
    #[case::twice_as_wide_takes_four_times_as_many(1.0 / 1.21, 1.21, Some(120))]
    fn runs_needed_follow_from_the_width(#[case] low: f64, #[case] high: f64, #[case] needed: Option<usize>) {
        let found = pairs_needed(30, Interval { low, high });
        // Rounded up from what floating point makes of 120.
        assert!(found == needed || found == needed.map(|needed| needed + 1), "{found:?}");
    }

    proptest! {
        #[test]
        fn a_quantile_lies_between_the_values(
            values in prop::collection::vec(-1e6..1e6_f64, 1..60), share in 0.0..=1.0_f64
        ) {
            let found = quantile(&values, share).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((least - 1e-6..=most + 1e-6).contains(&found));
        }

        /// Half of the values are at most the median, and half at least.
        #[test]
        fn the_median_halves_the_values(values in prop::collection::vec(-1e6..1e6_f64, 1..60)) {
            let median = median(&values).unwrap();
            prop_assert!(values.iter().filter(|value| **value < median).count() * 2 <= values.len());
            prop_assert!(values.iter().filter(|value| **value > median).count() * 2 <= values.len());
        }
    }
}
