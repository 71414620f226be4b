//! Wilcoxon's signed-rank test: whether one side of pairs tends to be larger.

/// With fewer pairs no p-value can be as small as [`SIGNIFICANCE`](super::SIGNIFICANCE).
pub const LEAST_PAIRS: usize = 8;

/// The exact two-sided p-value for pairs of non-negative values, by the logarithms of their ratios. 1 if all pairs are
/// equal.
///
/// Pairs of equal values are left out, and equal ratios share the mean of their ranks. The distribution under the
/// hypothesis is that of these very ranks with random signs, so that ties do not make it approximate.
pub fn signed_rank(pairs: &[(f64, f64)]) -> f64 {
    // Only the order of magnitudes matters: a zero beside another value is a ratio beyond all others.
    let logarithm = |value: f64| value.max(f64::MIN_POSITIVE).ln();
    let differences = pairs.iter().map(|(one, other)| logarithm(*other) - logarithm(*one));
    let mut differences: Vec<_> = differences.filter(|difference| *difference != 0.0).collect();
    if differences.is_empty() {
        return 1.0;
    }
    differences.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let mut ranks = doubled_ranks(&differences);
    if ranks.iter().all(|rank| rank % 2 == 0) {
        // Without halves the distribution has half as many sums.
        for rank in &mut ranks {
            *rank /= 2;
        }
    }
    let positive: usize =
        ranks.iter().zip(&differences).filter(|(_, difference)| **difference > 0.0).map(|(rank, _)| rank).sum();
    let probabilities = distribution(&ranks);
    let at_most: f64 = probabilities[..=positive].iter().sum();
    let at_least: f64 = probabilities[positive..].iter().sum();
    (2.0 * at_most.min(at_least)).min(1.0)
}

/// Twice the rank of each value, which is whole also for the mean of two ranks.
fn doubled_ranks(sorted: &[f64]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(sorted.len());
    while ranks.len() < sorted.len() {
        let (first, magnitude) = (ranks.len(), sorted[ranks.len()].abs());
        // What differs in the last digits only is a tie that rounding has broken.
        let tied = |value: &&f64| (value.abs() - magnitude) <= magnitude * 1e-12;
        let count = sorted[first..].iter().take_while(tied).count().max(1);
        // The mean of the ranks first + 1 … first + count.
        ranks.extend(std::iter::repeat_n(2 * first + count + 1, count));
    }
    ranks
}

/// The probability of each sum of the ranks with a positive sign, if each sign is positive with probability one half.
fn distribution(ranks: &[usize]) -> Vec<f64> {
    let mut probabilities = vec![0.0; ranks.iter().sum::<usize>() + 1];
    probabilities[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = sum.checked_sub(*rank).map_or(0.0, |before| probabilities[before]);
            probabilities[sum] = f64::midpoint(probabilities[sum], with);
        }
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{SIGNIFICANCE, float};

    /// The smallest p-value that this number of pairs can have.
    fn least(pairs: usize) -> f64 {
        2.0 * 0.5_f64.powf(float(pairs))
    }

    /// The value of one side is 1, so that the ratio is the other value.
    fn of_ratios(ratios: &[f64]) -> f64 {
        signed_rank(&ratios.iter().map(|ratio| (1.0, ratio.exp())).collect::<Vec<_>>())
    }

    /// Figures of counting all combinations of signs.
    #[rstest::rstest]
    #[case::all_positive(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.03125)]
    #[case::smallest_negative(&[-1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0625)]
    #[case::symmetric(&[-1.0, 1.0, -2.0, 2.0], 1.0)]
    #[case::tied(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0], 0.125)]
    #[case::zeros_are_left_out(&[0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.03125)]
    #[case::of_both_signs(&[1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, -10.0], 0.130_859_375)]
    fn p_values_are_exact(#[case] ratios: &[f64], #[case] expected: f64) {
        assert!((of_ratios(ratios) - expected).abs() < 1e-12, "{} {expected}", of_ratios(ratios));
    }

    #[test]
    fn fewer_pairs_than_the_least_find_nothing() {
        assert!(least(LEAST_PAIRS - 1) > SIGNIFICANCE && least(LEAST_PAIRS) <= SIGNIFICANCE);
        assert!((of_ratios(&[1.0, 2.0, 3.0, 4.0, 5.0]) - least(5)).abs() < 1e-12);
        assert!((signed_rank(&[]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn hundreds_of_pairs_are_no_problem() {
        let pairs: Vec<_> = (1..=400).map(|value| (1.0, 1.0 + 1e-3 * f64::from(value))).collect();
        assert!(signed_rank(&pairs) < 1e-60);
    }

    proptest! {
        /// It does not matter which side is called the first, and the scale of a round does not matter either.
        #[test]
        fn the_test_is_symmetric(pairs in prop::collection::vec((0.1..100.0_f64, 0.1..100.0_f64), 1..40), scale in 0.1..10.0_f64) {
            let swapped: Vec<_> = pairs.iter().map(|(one, other)| (*other, *one)).collect();
            let scaled: Vec<_> = pairs.iter().map(|(one, other)| (one * scale, other * scale)).collect();
            let p = signed_rank(&pairs);
            prop_assert!((p - signed_rank(&swapped)).abs() < 1e-9);
            prop_assert!((p - signed_rank(&scaled)).abs() < 1e-9);
            prop_assert!(p > 0.0 && p <= 1.0);
        }
    }
}
