use jiff::Timestamp;

use super::*;

fn sides() -> [Side; 2] {
    ["docker", "kubernetes"].map(|name| Side { name: name.to_owned(), runtime: name.to_owned() })
}

fn sample(side: &str, round: usize, values: &[(&str, f64)]) -> Sample {
    Sample {
        scenario: "square".to_owned(),
        side: side.to_owned(),
        round,
        warm_up: false,
        started: Timestamp::UNIX_EPOCH,
        steal_percent: Some(0.0),
        discarded: None,
        values: values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
    }
}

/// Kubernetes takes a fifth longer, with noise that both sides of a round share.
fn samples() -> Vec<Sample> {
    let round = |round: usize| {
        let noise = [0.9, 1.0, 1.3, 1.05, 0.95][round % 5];
        [
            sample("docker", round, &[("verified", 30.0 * noise), ("phase.images", 17.0), ("trial", 3000.0)]),
            sample("kubernetes", round, &[("verified", 36.0 * noise), ("phase.cluster", 30.0), ("trial", 3000.0)]),
        ]
    };
    (1..=10).flat_map(round).collect()
}

fn judged(samples: &[Sample]) -> Vec<MetricComparison> {
    judge(&["square".to_owned()], &sides(), "verified", 7, samples)
}

#[test]
fn the_primary_metric_comes_first_and_says_how_sides_differ() {
    let metrics = judged(&samples());
    let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["verified", "trial", "phase.cluster", "phase.images"]);
    let verified = &metrics[0];
    assert_eq!((verified.primary, verified.verdict, verified.rounds.len()), (true, MetricVerdict::Different, 10));
    assert!((verified.ratio.unwrap().value - 1.2).abs() < 1e-9 && verified.p == verified.corrected_p);
    assert_eq!(verified.sentence, "Kubernetes takes 1.20 times as long [1.20, 1.20], 6 ms more");
}

/// A metric that does not differ, and one that only one side has.
#[test]
fn what_cannot_be_told_is_said() {
    let metrics = judged(&samples());
    assert_eq!(metrics[1].verdict, MetricVerdict::NoDifferenceFound);
    assert_eq!(metrics[1].sentence, "no difference found: Kubernetes takes 1.00 times as long [1.00, 1.00]");
    assert_eq!(metrics[2].verdict, MetricVerdict::NotCompared);
    assert_eq!(metrics[2].sentence, "only kubernetes has it");
    assert_eq!((metrics[2].p, metrics[2].ratio), (None, None));
}

/// The partner of a sample that does not count is alone, and no figure has it.
#[test]
fn discarded_samples_and_warm_up_rounds_are_in_no_figure() {
    let mut samples = samples();
    samples[0].discarded = Some("the machine was busy".to_owned());
    samples[3].warm_up = true;
    let verified = &judged(&samples)[0];
    assert_eq!(verified.rounds, [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(verified.sides[0].samples.len(), 8);
}

#[test]
fn few_rounds_find_nothing_and_say_so() {
    let verified = &judged(&samples()[..6])[0];
    assert_eq!((verified.verdict, verified.runs_needed), (MetricVerdict::NoDifferenceFound, Some(LEAST_PAIRS)));
    let end = format!("; about {LEAST_PAIRS} runs are needed to tell");
    assert!(verified.sentence.ends_with(&end), "{}", verified.sentence);
}

#[test]
fn the_figures_follow_from_the_seed() {
    assert_eq!(judged(&samples()), judged(&samples()));
}
