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
            Some(other) => {
                let pairs: Vec<_> = other.iter().copied().zip(now.iter().copied()).collect();
                (ratio(statistic(now), statistic(other)), paired_interval(&pairs, statistic, random), String::new())
            }
            None => (None, None, by.clone()),
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
    if matches!(gate.by, Some(Divisor::Side(_))) && metric.rounds.is_empty() {
        return None;
    }
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

#[cfg(test)]
mod tests {
    use hourglass_base::Version;
    use jiff::Timestamp;

    use super::*;
    use crate::{Machine, Outcome, Sample, Side, judge::judge};

    const SIDES: [&str; 2] = ["docker", "kubernetes"];

    fn sides() -> [Side; 2] {
        SIDES.map(|name| Side { name: name.to_owned(), runtime: name.to_owned() })
    }

    /// Ten rounds: one side takes 10 to 19 ms, the other twice as long times `factor`.
    fn comparison(factor: f64) -> Comparison {
        let sample = |round: usize, side: usize| {
            let verified = (crate::stats::float(round) + 9.0) * [1.0, 2.0][side] * factor;
            let only = (["phase.images", "phase.cluster"][side].to_owned(), 5.0);
            Sample {
                scenario: "square".to_owned(),
                side: SIDES[side].to_owned(),
                round,
                warm_up: false,
                started: Timestamp::UNIX_EPOCH,
                steal_percent: None,
                discarded: None,
                values: [("verified".to_owned(), verified), only].into(),
            }
        };
        let samples: Vec<_> = (1..=10).flat_map(|round| [sample(round, 0), sample(round, 1)]).collect();
        let scenarios = vec!["square".to_owned()];
        Comparison {
            version: Version,
            started: Timestamp::UNIX_EPOCH,
            duration_ms: 1.0,
            outcome: Outcome::Complete,
            seed: 3,
            runs: 10,
            warm_up: 0,
            metrics: judge(&scenarios, &sides(), "verified", 3, &samples),
            sides: sides(),
            scenarios,
            primary: "verified".to_owned(),
            machine: Machine::here(),
            samples,
            gates: Vec::new(),
        }
    }

    #[rstest::rstest]
    #[case::ratio_holds("verified.median kubernetes/docker <= 2.1", true, "2.00 [2.00, 2.00], limit <= 2.10")]
    #[case::ratio_broken("verified.median kubernetes/docker <= 1.5", false, "2.00 [2.00, 2.00], limit <= 1.50")]
    #[case::inverse("verified.median docker/kubernetes >= 0.5", true, "0.50 [0.50, 0.50], limit >= 0.50")]
    #[case::value_holds("verified.max docker <= 19ms", true, "19.0 ms [")]
    #[case::value_broken("verified.min docker < 0.01s", false, "10.0 ms [10.0 ms, ")]
    #[case::baseline("verified.median docker/baseline <= 1.1", false, "1.25 [")]
    #[case::on_one_side_only("phase.images.median kubernetes <= 1s", false, "kubernetes has no `phase.images`")]
    #[case::not_on_the_other("phase.images.median docker/kubernetes <= 1", false, "has no `phase.images`")]
    #[case::in_no_trial("cpu.l1.median docker <= 1s", false, "docker has no `cpu.l1`")]
    fn figures_are_held_against_the_limit(#[case] text: &str, #[case] held: bool, #[case] sentence: &str) {
        let (now, before) = (comparison(1.0), comparison(0.8));
        let gate = Gate::parse(text, &sides(), true).unwrap();
        let results = evaluate(&gate, &now, Some(&before));
        let [result] = results.as_slice() else { panic!("{results:?}") };
        assert!(result.held == held && result.sentence.contains(sentence), "{result:?}");
        assert_eq!(result.figure.is_some(), result.interval.is_some(), "{result:?}");
        assert_eq!(evaluate(&gate, &now, Some(&before)), results, "the interval follows from the seed");
    }

    /// A later harness reads what this one writes, and refuses what it does not know.
    #[test]
    fn a_comparison_is_read_as_it_was_written() {
        let written = comparison(1.0);
        let text = written.to_json().unwrap();
        assert_eq!(Comparison::from_json(text.as_bytes()).unwrap(), written);
        for (text, problem) in [
            (text.replacen("\"version\": 1", "\"version\": 7", 1), "its version is 7"),
            ("{}".to_owned(), "not the JSON report of a comparison"),
            ("x".to_owned(), "not the JSON report of a comparison"),
        ] {
            let error = Comparison::from_json(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
