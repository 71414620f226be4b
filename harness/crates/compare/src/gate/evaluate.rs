//! Holds the figures of a comparison against a gate.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{BASELINE, Divisor, Gate};
use crate::{
    judge::stream,
    model::{Comparison, Figures, GateResult, Interval},
    stats::{interval_of, paired_interval, unpaired_interval},
    text::figure,
};

/// What the gate comes to in each scenario of the comparison. The figure decides; its interval says how certain it is. A
/// gate whose figure cannot be computed does not hold: it would otherwise hold without anything measured.
pub fn evaluate(gate: &Gate, comparison: &Comparison, baseline: Option<&Comparison>) -> Vec<GateResult> {
    let result = |scenario: &String| {
        let mut random = ChaCha8Rng::seed_from_u64(comparison.seed);
        random.set_stream(stream(scenario, &gate.text));
        in_scenario(gate, scenario, comparison, baseline, &mut random)
    };
    comparison.scenarios.iter().map(result).collect()
}

fn in_scenario(
    gate: &Gate,
    scenario: &str,
    comparison: &Comparison,
    baseline: Option<&Comparison>,
    random: &mut ChaCha8Rng,
) -> GateResult {
    let statistic = |samples: &[f64]| gate.statistic.of(samples);
    let now = figures(comparison, scenario, gate, &gate.side);
    let (figure, interval, missing) = match (&gate.by, now) {
        (_, None) => (None, None, gate.side.clone()),
        (None, Some(now)) => (statistic(now), interval_of(now, statistic, random), String::new()),
        (Some(Divisor::Side(by)), Some(now)) => match figures(comparison, scenario, gate, by) {
            // Samples of one round each, as `Figures` says, unless only one side has the metric.
            Some(other) if other.len() == now.len() => {
                let pairs: Vec<_> = other.iter().copied().zip(now.iter().copied()).collect();
                (ratio(statistic(now), statistic(other)), paired_interval(&pairs, statistic, random), String::new())
            }
            _ => (None, None, by.clone()),
        },
        (Some(Divisor::Baseline), Some(now)) => {
            match baseline.and_then(|baseline| figures(baseline, scenario, gate, &gate.side)) {
                Some(then) => (
                    ratio(statistic(now), statistic(then)),
                    unpaired_interval(then, now, statistic, random),
                    String::new(),
                ),
                None => (None, None, format!("the {BASELINE}'s {}", gate.side)),
            }
        }
    };
    let held = figure.is_some_and(|figure| gate.operator.holds(figure, gate.limit));
    let sentence = figure.map_or_else(
        || format!("{missing} has no `{}`", gate.metric),
        |value| format!("{}, limit {} {}", shown(gate, value, interval), gate.operator, value_of(gate, gate.limit)),
    );
    GateResult { gate: gate.text.clone(), scenario: scenario.to_owned(), held, figure, interval, sentence }
}

fn figures<'a>(comparison: &'a Comparison, scenario: &str, gate: &Gate, side: &str) -> Option<&'a [f64]> {
    let metric = comparison.metric(scenario, &gate.metric)?;
    let figures: &Figures = metric.sides.iter().find(|figures| figures.side == side)?;
    Some(figures.samples.as_slice()).filter(|samples| !samples.is_empty())
}

fn ratio(one: Option<f64>, by: Option<f64>) -> Option<f64> {
    Some(one? / by?).filter(|ratio| ratio.is_finite())
}

fn shown(gate: &Gate, value: f64, interval: Option<Interval>) -> String {
    let interval = interval.map_or_else(String::new, |interval| {
        format!(" [{}, {}]", value_of(gate, interval.low), value_of(gate, interval.high))
    });
    format!("{}{interval}", value_of(gate, value))
}

fn value_of(gate: &Gate, value: f64) -> String {
    if gate.by.is_some() { format!("{value:.2}") } else { figure(value, gate.unit) }
}
