use hourglass_compare::{Figures, Interval, Machine, Ratio, Sample, Side, Unit};
use jiff::Timestamp;

use super::*;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

fn figures(side: &str, first: f64, count: u32) -> Figures {
    let samples: Vec<_> = (0..count).map(|index| first + f64::from(index * 7 % 13)).collect();
    Figures { side: side.to_owned(), samples, median: Some(first + 6.0), p95: Some(first + 12.0) }
}

fn metric(name: &str, primary: bool, count: u32) -> MetricComparison {
    MetricComparison {
        scenario: "square".to_owned(),
        name: name.to_owned(),
        title: HOSTILE.to_owned(),
        unit: Unit::Milliseconds,
        primary,
        rounds: (1..=count as usize).collect(),
        sides: [figures("docker", 40.0, count), figures("kubernetes", 52.0, count)],
        ratio: Some(Ratio { value: 1.26, interval: Interval { low: 1.2, high: 1.31 } }),
        difference: Some(12.0),
        p: Some(0.0004),
        corrected_p: Some(0.0004),
        verdict: MetricVerdict::Different,
        runs_needed: None,
        sentence: "Kubernetes takes 1.26 times as long [1.20, 1.31], 12 ms more".to_owned(),
    }
}

fn comparison(count: u32) -> Comparison {
    let side = |name: &str| Side { name: name.to_owned(), runtime: name.to_owned() };
    let sample = Sample {
        scenario: "square".to_owned(),
        side: "docker".to_owned(),
        round: 3,
        warm_up: false,
        started: Timestamp::UNIX_EPOCH,
        steal_percent: Some(7.25),
        discarded: Some("the machine was busy".to_owned()),
        values: [("verified".to_owned(), 41.0)].into(),
    };
    let names = ["verified", "phase.chains", "phase.components", "phase.steps", HOSTILE];
    Comparison {
        version: hourglass_base::Version,
        started: Timestamp::UNIX_EPOCH,
        duration_ms: 93_500.0,
        outcome: Outcome::Complete,
        seed: 7,
        runs: count as usize,
        warm_up: 2,
        sides: [side("docker"), side("kubernetes")],
        scenarios: vec!["square".to_owned()],
        primary: "verified".to_owned(),
        machine: Machine::here(),
        samples: vec![sample],
        metrics: names.into_iter().enumerate().map(|(index, name)| metric(name, index == 0, count)).collect(),
        gates: vec![GateResult {
            gate: "verified.p95 kubernetes/docker <= 1.1".to_owned(),
            scenario: "square".to_owned(),
            held: false,
            figure: Some(1.26),
            interval: Some(Interval { low: 1.2, high: 1.31 }),
            sentence: "the ratio is 1.26 [1.20, 1.31]".to_owned(),
        }],
    }
}

#[test]
fn the_page_has_figures_pictures_samples_and_what_was_discarded() {
    let page = render(&comparison(30)).unwrap();
    for part in [
        "Kubernetes takes 1.26 times as long [1.20, 1.31], 12 ms more",
        "[1.20, 1.31]",
        "&#60; 0.001",
        "verified.p95 kubernetes/docker &#60;= 1.1",
        "broken",
        "the machine was busy",
        "7.2 %",
        "seed 7",
        "<polyline class=\"side2\"",
        "Phases of a trial",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert_eq!(page.matches("<tr><td class=\"r\">30<td").count(), 5, "raw samples are missing");
    assert!(!page.contains("<img"), "a name is not escaped");
}

#[test]
fn many_samples_are_cut_and_counted() {
    let page = render(&comparison(5_000)).unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("more samples are in the JSON report"), "nothing says that samples are missing");
}
