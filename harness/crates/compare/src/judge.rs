//! From the samples of a comparison to what its metrics tell.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    metrics::{meaning, rank},
    model::{Figures, MetricComparison, MetricVerdict, Ratio, Sample, Side, Unit},
    stats::{LEAST_PAIRS, SIGNIFICANCE, holm, median, p95, paired_interval, pairs_needed, signed_rank},
    text::sentence,
};

/// Compares every metric of every scenario that the samples have. Those of warm-up rounds and discarded ones count
/// nowhere, and the other sample of their round counts in no pair.
pub fn judge(
    scenarios: &[String],
    sides: &[Side; 2],
    primary: &str,
    seed: u64,
    samples: &[Sample],
) -> Vec<MetricComparison> {
    let counted: Vec<_> = samples.iter().filter(|sample| counts(sample)).collect();
    let mut metrics = Vec::new();
    for scenario in scenarios {
        let of_scenario: Vec<_> = counted.iter().copied().filter(|sample| sample.scenario == *scenario).collect();
        let names: BTreeSet<&str> =
            of_scenario.iter().flat_map(|sample| sample.values.keys()).map(String::as_str).collect();
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|name| (*name != primary, rank(name)));
        for name in names {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            // Another part of the sequence for each metric, so that one more changes none of the others' figures.
            random.set_stream(stream(scenario, name));
            metrics.push(compared(scenario, name, name == primary, sides, &of_scenario, &mut random));
        }
    }
    correct(&mut metrics);
    for metric in &mut metrics {
        metric.sentence = sentence(metric);
    }
    metrics
}

/// Whether a sample is in the figures.
pub fn counts(sample: &Sample) -> bool {
    !sample.warm_up && sample.discarded.is_none()
}

/// A number for a text: FNV-1a.
pub(crate) fn stream(scenario: &str, name: &str) -> u64 {
    let bytes = scenario.bytes().chain([0]).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn compared(
    scenario: &str,
    name: &str,
    primary: bool,
    sides: &[Side; 2],
    samples: &[&Sample],
    random: &mut ChaCha8Rng,
) -> MetricComparison {
    let values = |side: &Side| {
        let of_side = samples.iter().filter(move |sample| sample.side == side.name);
        of_side.filter_map(|sample| Some((sample.round, *sample.values.get(name)?))).collect::<Vec<_>>()
    };
    let [first, second] = [values(&sides[0]), values(&sides[1])];
    let mut pairs: Vec<_> = first
        .iter()
        .filter_map(|(round, one)| Some((*round, *one, second.iter().find(|(other, _)| other == round)?.1)))
        .collect();
    pairs.sort_by_key(|pair| pair.0);
    let figures = |side: &Side, samples: Vec<f64>| Figures {
        side: side.name.clone(),
        median: median(&samples),
        p95: p95(&samples),
        samples,
    };
    let both = |of: fn(&(usize, f64, f64)) -> f64| pairs.iter().map(of).collect::<Vec<_>>();
    let alone = |values: Vec<(usize, f64)>| values.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    // With pairs, the figures are those of the pairs; otherwise those of the side that has the metric.
    let [one, other] =
        if pairs.is_empty() { [alone(first), alone(second)] } else { [both(|pair| pair.1), both(|pair| pair.2)] };
    let sides = [figures(&sides[0], one), figures(&sides[1], other)];
    let values: Vec<_> = pairs.iter().map(|(_, one, other)| (*one, *other)).collect();
    let medians = sides[0].median.zip(sides[1].median).filter(|_| !pairs.is_empty());
    let ratio = medians.and_then(|(one, other)| {
        let value = Some(other / one).filter(|ratio| ratio.is_finite())?;
        Some(Ratio { value, interval: paired_interval(&values, median, random)? })
    });
    let narrow = ratio.and_then(|ratio| pairs_needed(values.len(), ratio.interval));
    let few = (!pairs.is_empty() && pairs.len() < LEAST_PAIRS).then_some(LEAST_PAIRS);
    let meaning = meaning(name);
    MetricComparison {
        scenario: scenario.to_owned(),
        name: name.to_owned(),
        title: meaning.as_ref().map_or_else(|| name.to_owned(), |meaning| meaning.title.clone()),
        unit: meaning.map_or(Unit::Milliseconds, |meaning| meaning.unit),
        primary,
        rounds: pairs.iter().map(|pair| pair.0).collect(),
        sides,
        ratio,
        difference: medians.map(|(one, other)| other - one),
        p: (!values.is_empty()).then(|| signed_rank(&values)),
        corrected_p: None,
        verdict: MetricVerdict::NotCompared,
        runs_needed: narrow.max(few),
        sentence: String::new(),
    }
}

/// Corrects the p-values of the primary metric over the scenarios, and those of all others together.
fn correct(metrics: &mut [MetricComparison]) {
    for primary in [true, false] {
        let of_kind = |metric: &&mut MetricComparison| metric.primary == primary && metric.p.is_some();
        let values: Vec<_> =
            metrics.iter().filter(|metric| metric.primary == primary).filter_map(|metric| metric.p).collect();
        for (metric, corrected) in metrics.iter_mut().filter(of_kind).zip(holm(&values)) {
            metric.corrected_p = Some(corrected);
            metric.verdict =
                if corrected <= SIGNIFICANCE { MetricVerdict::Different } else { MetricVerdict::NoDifferenceFound };
        }
    }
}

#[cfg(test)]
mod tests;
