//! Pictures of a comparison: box plots with all samples, distribution functions, bars of phases, the ratio's interval.

use std::fmt::Write as _;

use hourglass_compare::{Figures, MetricComparison, Unit, figure, stats::quantile};

use super::text::{Text, time_of};

/// The width of a picture, that of the names, and that of what is drawn.
const WIDTH: f64 = 1000.0;
const NAMES: f64 = 120.0;
const DRAWN: f64 = WIDTH - NAMES - 20.0;
/// The height of a distribution function.
const HEIGHT: f64 = 150.0;
/// How many samples of a side are drawn.
const DOTS: usize = 200;

/// The picture of one metric.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) sides: [Distribution; 2],
    pub(super) low: String,
    pub(super) high: String,
    pub(super) ratio: Option<RatioBar>,
}

/// The samples of a side as positions in the picture.
#[derive(Debug)]
pub(super) struct Distribution {
    pub(super) name: Text,
    pub(super) y: f64,
    /// The least sample, the quartiles, and the greatest.
    pub(super) five: [f64; 5],
    pub(super) dots: Vec<f64>,
    /// The points of the empirical distribution function.
    pub(super) ecdf: String,
}

/// The interval of a ratio on a scale with one in its middle.
#[derive(Debug)]
pub(super) struct RatioBar {
    pub(super) low: f64,
    pub(super) value: f64,
    pub(super) high: f64,
    pub(super) one: f64,
}

/// The phases of both sides' trials, one bar each.
#[derive(Debug)]
pub(super) struct Bars {
    pub(super) rows: Vec<(Text, f64, Vec<Part>)>,
    pub(super) names: Vec<(Text, &'static str)>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) class: &'static str,
    pub(super) title: Text,
}

/// The picture of a metric that both sides have.
pub(super) fn plot(metric: &MetricComparison) -> Option<Plot> {
    let all = metric.sides.iter().flat_map(|side| &side.samples).copied().filter(|value| value.is_finite());
    let (low, high) =
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if metric.sides.iter().any(|side| side.samples.is_empty()) || !low.is_finite() {
        return None;
    }
    let length = if high > low { high - low } else { 1.0 };
    let x = |value: f64| NAMES + (value - low) / length * DRAWN;
    let [one, other] = &metric.sides;
    Some(Plot {
        sides: [distribution(one, 10.0, x), distribution(other, 44.0, x)],
        low: figure(low, metric.unit),
        high: figure(high, metric.unit),
        ratio: metric.ratio.and_then(|ratio| ratio_bar(ratio.interval.low, ratio.value, ratio.interval.high)),
    })
}

fn distribution(side: &Figures, y: f64, x: impl Fn(f64) -> f64) -> Distribution {
    let mut samples = side.samples.clone();
    samples.sort_by(f64::total_cmp);
    // A side without samples has no plot.
    let five = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| x(quantile(&samples, share).unwrap_or_default()));
    let step = samples.len().div_ceil(DOTS).max(1);
    let dots: Vec<_> = samples.iter().step_by(step).map(|value| x(*value)).collect();
    let mut ecdf = format!("{NAMES:.0},{HEIGHT:.0}");
    #[expect(clippy::cast_precision_loss, reason = "a side has some thousands of samples at most")]
    let share = |index: usize| HEIGHT * (1.0 - index as f64 / dots.len() as f64);
    for (index, at) in dots.iter().enumerate() {
        let _ = write!(ecdf, " {at:.1},{:.1} {at:.1},{:.1}", share(index), share(index + 1));
    }
    let _ = write!(ecdf, " {:.0},0", WIDTH - 20.0);
    Distribution { name: Text::line(&side.side), y, five, dots, ecdf }
}

fn ratio_bar(low: f64, value: f64, high: f64) -> Option<RatioBar> {
    let logs = [low, value, high].map(f64::ln);
    let most = logs.iter().map(|log| log.abs()).fold(0.1, f64::max) * 1.1;
    let x = |log: f64| NAMES + DRAWN / 2.0 * (log / most + 1.0);
    let bar = RatioBar { low: x(logs[0]), value: x(logs[1]), high: x(logs[2]), one: x(0.0) };
    logs.iter().all(|log| log.is_finite()).then_some(bar)
}

/// The bars of the metrics `phase.…` of a scenario: the medians of both sides one after another.
pub(super) fn bars(metrics: &[&MetricComparison]) -> Option<Bars> {
    const CLASSES: [&str; 7] = ["p1", "p3", "p5", "p7", "p2", "p4", "p6"];
    let phases: Vec<_> = metrics
        .iter()
        .filter(|metric| metric.name.starts_with("phase.") && metric.unit == Unit::Milliseconds)
        .zip(CLASSES.into_iter().cycle())
        .collect();
    let median = |metric: &MetricComparison, side: usize| metric.sides[side].median.unwrap_or_default();
    let total = |side: usize| phases.iter().map(|(metric, _)| median(metric, side)).sum::<f64>();
    let longest = total(0).max(total(1));
    let sides = phases.first().map(|(metric, _)| metric.sides.each_ref().map(|side| Text::line(&side.side)))?;
    if longest <= 0.0 {
        return None;
    }
    let name = |metric: &MetricComparison| metric.name.trim_start_matches("phase.").replace('_', " ");
    let row = |(side, title): (usize, Text)| {
        let mut x = NAMES;
        let part = |(metric, class): &(&&MetricComparison, &'static str)| {
            let value = median(metric, side);
            let width = value / longest * DRAWN;
            x += width;
            let title = Text::line(&format!("{} {}", name(metric), time_of(value)));
            Part { x: x - width, width, class, title }
        };
        let parts = phases.iter().map(part).collect();
        (title, if side == 0 { 6.0 } else { 34.0 }, parts)
    };
    let names = phases.iter().map(|(metric, class)| (Text::line(&name(metric)), *class)).collect();
    Some(Bars { rows: sides.into_iter().enumerate().map(row).collect(), names })
}
