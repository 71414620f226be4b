//! How often comparisons of recorded runs report a difference: rarely where there is none, almost always where there is one.
//!
//! The files below `data` are reports of `harness compare square --runtimes process,process --runs 60` and the same in
//! Docker, without values of other metrics.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::{fs, path::Path};

use hourglass_compare::{
    Comparison, MetricVerdict, Sample,
    judge::{counts, judge},
    stats::{SIGNIFICANCE, median, signed_rank},
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const COMPARISONS: usize = 1_000;
/// The default of `harness compare`.
const RUNS: usize = 30;

fn recorded(runtime: &str) -> Comparison {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(runtime).with_extension("json");
    Comparison::from_json(&fs::read(path).unwrap()).unwrap()
}

/// The latencies of both sides in each round.
fn rounds(comparison: &Comparison) -> Vec<(f64, f64)> {
    let counted: Vec<_> = comparison.samples.iter().filter(|sample| counts(sample)).collect();
    let value = |round: usize, side: usize| {
        let side = &comparison.sides[side].name;
        let found = counted.iter().find(|sample| sample.round == round && sample.side == *side)?;
        found.values.get("verified").copied()
    };
    let rounds = (1..=comparison.runs).filter_map(|round| value(round, 0).zip(value(round, 1)));
    let rounds: Vec<_> = rounds.collect();
    assert!(rounds.len() >= RUNS, "{} rounds were recorded", rounds.len());
    rounds
}

/// A comparison of rounds that are drawn from those recorded. Both trials of a round are of one runtime and ran in random
/// order: either could have been that of the first side.
fn drawn(rounds: &[(f64, f64)], random: &mut ChaCha8Rng) -> Vec<(f64, f64)> {
    let draw = |_| {
        let (one, other) = rounds[random.random_range(..rounds.len())];
        if random.random() { (one, other) } else { (other, one) }
    };
    (0..RUNS).map(draw).collect()
}

/// The same rounds with a delay of this many milliseconds on one side.
fn delayed(rounds: Vec<(f64, f64)>, side: usize, delay: f64) -> Vec<(f64, f64)> {
    let delayed = |(one, other)| if side == 0 { (one + delay, other) } else { (one, other + delay) };
    rounds.into_iter().map(delayed).collect()
}

fn is_reported(rounds: &[(f64, f64)]) -> bool {
    signed_rank(rounds) <= SIGNIFICANCE
}

#[rstest::rstest]
fn two_equal_sides_rarely_differ(#[values("process", "docker")] runtime: &str) {
    let rounds = rounds(&recorded(runtime));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let reported = (0..COMPARISONS).filter(|_| is_reported(&drawn(&rounds, &mut random))).count();
    println!("{runtime}: {reported} of {COMPARISONS} comparisons without a difference report one");
    assert!(reported <= 60, "{reported} of {COMPARISONS}");
}

#[rstest::rstest]
fn a_delay_of_a_fifth_is_almost_always_found(
    #[values("process", "docker")] runtime: &str,
    #[values(0, 1)] side: usize,
) {
    let rounds = rounds(&recorded(runtime));
    let latencies: Vec<_> = rounds.iter().flat_map(|(one, other)| [*one, *other]).collect();
    let delay = 0.2 * median(&latencies).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let drawn = || delayed(drawn(&rounds, &mut random), side, delay);
    let reported = std::iter::repeat_with(drawn).take(COMPARISONS).filter(|rounds| is_reported(rounds)).count();
    println!(
        "{runtime}: {reported} of {COMPARISONS} comparisons with a delay of {delay:.1} ms on side {side} report it"
    );
    assert!(reported >= 995, "{reported} of {COMPARISONS}");
}

/// What is counted above is what a comparison says.
#[rstest::rstest]
#[case::equal(0.0)]
#[case::small(0.05)]
#[case::a_fifth(0.2)]
fn the_verdict_is_that_of_the_test(#[case] share: f64) {
    let comparison = recorded("process");
    let rounds = rounds(&comparison);
    let delay = share * median(&rounds.iter().map(|round| round.0).collect::<Vec<_>>()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..20 {
        let drawn = delayed(drawn(&rounds, &mut random), 1, delay);
        let sample = |round: usize, side: usize, value: f64| Sample {
            side: comparison.sides[side].name.clone(),
            round,
            values: [("verified".to_owned(), value)].into(),
            ..comparison.samples.iter().find(|sample| counts(sample)).unwrap().clone()
        };
        let samples: Vec<_> = (1..)
            .zip(&drawn)
            .flat_map(|(round, (one, other))| [sample(round, 0, *one), sample(round, 1, *other)])
            .collect();
        let metrics = judge(&comparison.scenarios, &comparison.sides, "verified", 5, &samples);
        let is_different = metrics[0].verdict == MetricVerdict::Different;
        assert_eq!(is_different, is_reported(&drawn), "{}", metrics[0].sentence);
        assert_eq!(metrics[0].rounds.len(), RUNS);
    }
}
