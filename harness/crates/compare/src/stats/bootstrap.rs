//! Bootstrap intervals: the figure of samples that are drawn again from those that were taken.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::{Interval, quantile};

/// How many times samples are drawn again. The ends of an interval then vary by a few percent of its width.
const RESAMPLES: usize = 2_000;

/// The 95 % interval of the ratio of a statistic of the second values by that of the first, by percentiles. The pairs are
/// drawn, so that what a round has in common does not widen it. `None` without pairs or if a ratio is not finite.
pub fn paired_interval(
    pairs: &[(f64, f64)],
    statistic: impl Fn(&[f64]) -> Option<f64>,
    random: &mut ChaCha8Rng,
) -> Option<Interval> {
    interval(random, |random| {
        let drawn: Vec<_> = (0..pairs.len()).map(|_| pairs[random.random_range(..pairs.len())]).collect();
        let (one, other): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
        Some(statistic(&other)? / statistic(&one)?)
    })
}

/// The same for values that were not taken in pairs, as those of another comparison.
pub fn unpaired_interval(
    first: &[f64],
    second: &[f64],
    statistic: impl Fn(&[f64]) -> Option<f64>,
    random: &mut ChaCha8Rng,
) -> Option<Interval> {
    interval(random, |random| {
        let (first, second) = (drawn(first, random), drawn(second, random));
        Some(statistic(&second)? / statistic(&first)?)
    })
}

/// The 95 % interval of a statistic of the values.
pub fn interval_of(
    values: &[f64],
    statistic: impl Fn(&[f64]) -> Option<f64>,
    random: &mut ChaCha8Rng,
) -> Option<Interval> {
    interval(random, |random| statistic(&drawn(values, random)))
}

fn drawn(values: &[f64], random: &mut ChaCha8Rng) -> Vec<f64> {
    (0..values.len()).map(|_| values[random.random_range(..values.len())]).collect()
}

fn interval(random: &mut ChaCha8Rng, mut draw: impl FnMut(&mut ChaCha8Rng) -> Option<f64>) -> Option<Interval> {
    let figures: Option<Vec<_>> = (0..RESAMPLES).map(|_| draw(random).filter(|figure| figure.is_finite())).collect();
    let figures = figures?;
    Some(Interval { low: quantile(&figures, 0.025)?, high: quantile(&figures, 0.975)? })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;
    use crate::stats::median;

    fn random(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn an_interval_follows_from_its_seed() {
        let pairs: Vec<_> = (1..=30).map(|value| (f64::from(value), f64::from(value) * 1.2)).collect();
        let of = |seed| paired_interval(&pairs, median, &mut random(seed)).unwrap();
        assert_eq!(of(7), of(7));
        // Pairs of a constant ratio have no width; drawn independently, they would.
        assert!((of(7).low - 1.2).abs() < 1e-9 && (of(7).high - 1.2).abs() < 1e-9);
        let (one, other): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let unpaired = unpaired_interval(&one, &other, median, &mut random(7)).unwrap();
        assert!(unpaired.low < 1.0 && unpaired.high > 1.4, "{unpaired:?}");
    }

    #[test]
    fn nothing_has_no_interval() {
        assert_eq!(paired_interval(&[], median, &mut random(1)), None);
        assert_eq!(paired_interval(&[(0.0, 1.0)], median, &mut random(1)), None);
        assert_eq!(interval_of(&[], median, &mut random(1)), None);
    }

    /// Of 300 samples of 30 pairs whose true ratio is 1.1, about 95 % of the intervals contain it.
    #[test]
    fn the_interval_contains_the_true_ratio_as_often_as_it_says() {
        let mut random = random(11);
        let noise = |random: &mut ChaCha8Rng| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let hits = (0..300).filter(|_| {
            let pairs: Vec<_> =
                (0..30).map(|_| ((0.2 * noise(&mut random)).exp(), 1.1 * (0.2 * noise(&mut random)).exp())).collect();
            let found = paired_interval(&pairs, median, &mut random).unwrap();
            (found.low..=found.high).contains(&1.1)
        });
        let hits = hits.count();
        assert!((275..=300).contains(&hits), "{hits} of 300");
    }
}
