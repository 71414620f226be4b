//! The page of a comparison of two runtimes.

use askama::Template;
use hourglass_compare::{
    Comparison, GateResult, Interval, MetricComparison, MetricVerdict, Outcome, figure, judge::counts,
};

use super::{
    budget::Budget,
    page::Frame,
    plots::{Bars, Plot, bars, plot},
    text::{Text, time_of},
};
use crate::{ReportError, Target};

/// The bytes of a raw sample's row.
const SAMPLE: usize = 90;

/// The page.
#[derive(Debug, Template)]
#[template(path = "compare.html")]
struct Page {
    frame: Frame,
    title: String,
    class: &'static str,
    started: String,
    duration: String,
    outcome: Text,
    runs: usize,
    warm_up: usize,
    seed: u64,
    machine: Text,
    sides: [Text; 2],
    gates: Vec<Gate>,
    scenarios: Vec<Scenario>,
    discarded: Vec<Discarded>,
    measured: usize,
    version: &'static str,
}

#[derive(Debug)]
struct Gate {
    held: bool,
    expression: Text,
    scenario: Text,
    sentence: Text,
}

#[derive(Debug)]
struct Scenario {
    id: String,
    name: Text,
    /// The result of the metric that decides.
    sentence: Text,
    metrics: Vec<Metric>,
    phases: Option<Bars>,
}

#[derive(Debug)]
struct Metric {
    id: String,
    name: Text,
    title: Text,
    primary: bool,
    class: &'static str,
    word: &'static str,
    sides: [Summary; 2],
    ratio: String,
    interval: String,
    p: String,
    sentence: Text,
    plot: Option<Plot>,
    /// The round and both values.
    samples: Vec<[String; 3]>,
    more_samples: usize,
}

#[derive(Debug)]
struct Summary {
    median: String,
    p95: String,
}

#[derive(Debug)]
struct Discarded {
    scenario: Text,
    side: Text,
    round: usize,
    reason: Text,
    steal: String,
}

/// Writes the comparison as a page.
pub fn write_comparison(target: &Target, comparison: &Comparison) -> Result<(), ReportError> {
    let text = render(comparison).map_err(|source| target.unrenderable(source))?;
    target.write(text.as_bytes())
}

pub(super) fn render(comparison: &Comparison) -> askama::Result<String> {
    let mut budget = Budget::of_page();
    let sides = comparison.sides.each_ref().map(|side| Text::line(&side.name));
    let title = format!("{} against {}", sides[1], sides[0]);
    let broken = comparison.gates.iter().any(|gate| !gate.held);
    let complete = comparison.outcome == Outcome::Complete;
    let mut gates: Vec<_> = comparison.gates.iter().map(gate).collect();
    gates.sort_by_key(|gate| gate.held);
    let scenarios = comparison.scenarios.iter().enumerate();
    let scenarios = scenarios.map(|(index, name)| scenario(index, name, comparison, &mut budget)).collect();
    let discarded = comparison.discarded().take(200).map(|sample| Discarded {
        scenario: Text::line(&sample.scenario),
        side: Text::line(&sample.side),
        round: sample.round,
        reason: Text::line(sample.discarded.as_deref().unwrap_or_default()),
        steal: sample.steal_percent.map(|percent| format!("{percent:.1} %")).unwrap_or_default(),
    });
    let page = Page {
        frame: Frame::titled(format!("{title} – Hourglass Harness")),
        title,
        class: if broken {
            "bad"
        } else if complete {
            "ok"
        } else {
            "env"
        },
        started: format!("{:.0}", comparison.started),
        duration: time_of(comparison.duration_ms),
        outcome: Text::line(&outcome(&comparison.outcome)),
        runs: comparison.runs,
        warm_up: comparison.warm_up,
        seed: comparison.seed,
        machine: Text::line(&comparison.machine.to_string()),
        sides,
        gates,
        scenarios,
        discarded: discarded.collect(),
        measured: comparison.samples.iter().filter(|sample| counts(sample)).count(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete => "all rounds were run".to_owned(),
        Outcome::TooBusy { discarded, planned } => {
            format!("ended: the machine was too busy, {discarded} of {planned} trials were discarded")
        }
        Outcome::TrialFailed { trial } => format!("ended: {trial} did not pass"),
        Outcome::Interrupted => "ended by the user".to_owned(),
    }
}

fn gate(result: &GateResult) -> Gate {
    Gate {
        held: result.held,
        expression: Text::line(&result.gate),
        scenario: Text::line(&result.scenario),
        sentence: Text::line(&result.sentence),
    }
}

fn scenario(index: usize, name: &str, comparison: &Comparison, budget: &mut Budget) -> Scenario {
    let of_it: Vec<_> = comparison.metrics.iter().filter(|metric| metric.scenario == name).collect();
    let metrics = of_it.iter().enumerate();
    let metrics = metrics.map(|(number, metric)| view(&format!("s{index}m{number}"), metric, budget)).collect();
    let primary = of_it.iter().find(|metric| metric.primary);
    Scenario {
        id: format!("s{index}"),
        name: Text::line(name),
        sentence: Text::line(primary.map_or("", |metric| metric.sentence.as_str())),
        metrics,
        phases: bars(&of_it),
    }
}

fn view(id: &str, metric: &MetricComparison, budget: &mut Budget) -> Metric {
    let shown = |value: Option<f64>| value.map(|value| figure(value, metric.unit)).unwrap_or_default();
    let (class, word) = match metric.verdict {
        MetricVerdict::Different => ("cutoff", "found"),
        MetricVerdict::NoDifferenceFound => ("ok", "none found"),
        MetricVerdict::NotCompared => ("none", "not compared"),
    };
    let value = |side: usize, index: usize| shown(metric.sides[side].samples.get(index).copied());
    let rows = metric.rounds.iter().enumerate();
    let rows = rows.map(|(index, round)| [round.to_string(), value(0, index), value(1, index)]);
    let samples: Vec<_> = rows.take_while(|_| budget.takes(SAMPLE, &[])).collect();
    Metric {
        id: id.to_owned(),
        name: Text::line(&metric.name),
        title: Text::line(&metric.title),
        primary: metric.primary,
        class,
        word,
        sides: metric.sides.each_ref().map(|side| Summary { median: shown(side.median), p95: shown(side.p95) }),
        ratio: metric.ratio.map(|ratio| format!("{:.2}", ratio.value)).unwrap_or_default(),
        interval: metric.ratio.map(|ratio| interval(ratio.interval)).unwrap_or_default(),
        p: metric
            .corrected_p
            .map(|p| if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") })
            .unwrap_or_default(),
        sentence: Text::line(&metric.sentence),
        plot: plot(metric),
        more_samples: metric.rounds.len() - samples.len(),
        samples,
    }
}

fn interval(interval: Interval) -> String {
    format!("[{:.2}, {:.2}]", interval.low, interval.high)
}

#[cfg(test)]
mod tests;
