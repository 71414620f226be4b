//! Holm's correction: the probability of any false report among many tests stays at the level of one.

use super::float;

/// The corrected p-values, in the order of the given ones.
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let (mut corrected, mut largest) = (vec![1.0; values.len()], 0.0_f64);
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max((values[index] * float(values.len() - rank)).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The smallest four times, the next three times, and none smaller than the one before.
    #[test]
    fn smaller_values_are_multiplied_by_more() {
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(holm(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn correction_never_makes_a_value_smaller(values in prop::collection::vec(0.0..=1.0_f64, 1..40)) {
            for (corrected, value) in holm(&values).iter().zip(&values) {
                prop_assert!(corrected >= value && *corrected <= 1.0);
            }
        }
    }
}
