//! A comparison for people: sentences, and an aligned table.

use std::fmt::Write as _;

use hourglass_component::text::safe_line;

use super::model::{Comparison, GateResult, MetricComparison, MetricVerdict, Outcome, Unit};
use super::stats::SIGNIFICANCE;

/// What a metric tells, in words.
pub(crate) fn sentence(metric: &MetricComparison) -> String {
    if metric.verdict == MetricVerdict::NotCompared {
        let has: Vec<_> = metric.sides.iter().filter(|figures| !figures.samples.is_empty()).collect();
        return match has.as_slice() {
            [only] => format!("only {} has it", only.side),
            _ => "no round has it on both sides".to_owned(),
        };
    }
    let effect = effect(metric);
    let needed = match (metric.verdict, metric.runs_needed) {
        (MetricVerdict::Different, Some(runs)) => format!("; about {runs} runs narrow the interval to 10 %"),
        (_, Some(runs)) => format!("; about {runs} runs are needed to tell"),
        (_, None) => String::new(),
    };
    match metric.verdict {
        MetricVerdict::Different => format!("{effect}{needed}"),
        _ => format!("no difference found: {effect}{needed}"),
    }
}

fn effect(metric: &MetricComparison) -> String {
    let name = &metric.sides[1].side;
    let name = name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1)).collect::<String>();
    let difference = metric.difference.unwrap_or_default();
    let amount = rounded(difference.abs(), metric.unit);
    let direction = if difference < 0.0 { "less" } else { "more" };
    // A difference of 0 ms has no direction.
    let amount = if amount.starts_with("0 ") { String::new() } else { format!(", {amount} {direction}") };
    let Some(ratio) = metric.ratio else {
        let figures = metric.sides.iter().map(|side| figure(side.median.unwrap_or_default(), metric.unit));
        return format!("{}{amount}", figures.collect::<Vec<_>>().join(" against "));
    };
    let times = format!("{:.2} times", ratio.value);
    let interval = format!("[{:.2}, {:.2}]", ratio.interval.low, ratio.interval.high);
    match metric.unit {
        Unit::Milliseconds => format!("{name} takes {times} as long {interval}{amount}"),
        Unit::ProcessorSeconds => format!("{name} uses {times} as much processor time {interval}{amount}"),
        Unit::Bytes => format!("{name} uses {times} as much memory {interval}{amount}"),
        Unit::TasksPerSecond => format!("{name} verifies {times} as many tasks a second {interval}{amount}"),
        Unit::Gas => format!("{name} uses {times} as much gas {interval}{amount}"),
    }
}

/// A value in its unit, with about three digits.
pub fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds if value.abs() >= 10_000.0 => format!("{:.1} s", value / 1e3),
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::ProcessorSeconds => format!("{value:.2} s"),
        Unit::Bytes => format!("{} MiB", digits(value / f64::from(1 << 20))),
        Unit::TasksPerSecond => format!("{}/s", digits(value)),
        Unit::Gas => format!("{value:.0} gas"),
    }
}

fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

/// The same for a difference, which is less certain: whole from ten on, without a zero behind the point.
fn rounded(value: f64, unit: Unit) -> String {
    let short = |value: f64| match format!("{value:.1}").strip_suffix(".0") {
        _ if value >= 10.0 => format!("{value:.0}"),
        Some(whole) => whole.to_owned(),
        None => format!("{value:.1}"),
    };
    match unit {
        Unit::Milliseconds if value < 10_000.0 => format!("{} ms", short(value)),
        Unit::Bytes => format!("{} MiB", short(value / f64::from(1 << 20))),
        Unit::TasksPerSecond => format!("{} a second", short(value)),
        _ => figure(value, unit),
    }
}

/// The whole comparison, for standard output. Each line ends with a line feed.
pub fn table(comparison: &Comparison) -> String {
    let mut text = String::new();
    let [first, second] = &comparison.sides;
    let _ = writeln!(text, "{} against {} on {}", second.name, first.name, safe_line(&comparison.machine.to_string()));
    let _ = writeln!(text, "{}", runs(comparison));
    for scenario in &comparison.scenarios {
        let metrics: Vec<_> = comparison.metrics.iter().filter(|metric| metric.scenario == *scenario).collect();
        let _ = write!(
            text,
            "\n{}",
            of_scenario(&safe_line(scenario), &comparison.sides.each_ref().map(|side| &*side.name), &metrics)
        );
    }
    for gate in &comparison.gates {
        let _ = write!(text, "\n{}\n", of_gate(gate));
    }
    text
}

fn runs(comparison: &Comparison) -> String {
    let Comparison { runs, warm_up, seed, .. } = comparison;
    let discarded = comparison.discarded().count();
    let mut text = format!("{runs} runs of each, in turns by seed {seed}");
    if *warm_up > 0 {
        let _ = write!(text, "; {warm_up} more to warm up were discarded");
    }
    if discarded > 0 {
        let _ = write!(text, "\n{discarded} trials were discarded because the machine was too busy");
    }
    match &comparison.outcome {
        Outcome::Complete => {}
        Outcome::TooBusy { discarded, planned } => {
            let _ = write!(
                text,
                "\nended early: {discarded} of {planned} trials were discarded, which is more than a fifth, so that the \
                 figures say nothing; compare again when the machine is less busy"
            );
        }
        Outcome::TrialFailed { trial } => {
            let _ = write!(text, "\nended early: {} did not pass", safe_line(trial));
        }
        Outcome::Interrupted => text.push_str("\nended early: interrupted"),
    }
    text
}

fn of_scenario(scenario: &str, sides: &[&str; 2], metrics: &[&MetricComparison]) -> String {
    let heading = |side: &str| [format!("{side} p50"), "p95".to_owned()];
    let [one, other] = sides.map(heading);
    let [one, one_tail] = one;
    let [other, other_tail] = other;
    let mut rows = vec![[scenario.to_owned(), one, one_tail, other, other_tail, "ratio".to_owned(), "p".to_owned()]];
    rows.extend(metrics.iter().map(|metric| {
        let value = |value: Option<f64>| value.map_or_else(String::new, |value| figure(value, metric.unit));
        let [first, second] = &metric.sides;
        let ratio = metric.ratio.map_or_else(String::new, |ratio| {
            format!("{:.2} [{:.2}, {:.2}]", ratio.value, ratio.interval.low, ratio.interval.high)
        });
        let mark = if metric.verdict == MetricVerdict::Different { " *" } else { "" };
        let p = metric.corrected_p.map_or_else(String::new, |p| format!("{}{mark}", probability(p)));
        let name = safe_line(&metric.name).into_owned();
        [name, value(first.median), value(first.p95), value(second.median), value(second.p95), ratio, p]
    }));
    let mut text = aligned(&rows);
    for metric in metrics.iter().filter(|metric| metric.primary) {
        let _ = writeln!(text, "{}: {}", safe_line(&metric.name), safe_line(&metric.sentence));
    }
    if metrics.iter().any(|metric| metric.verdict == MetricVerdict::Different) {
        text.push_str(&footnote());
    }
    text
}

/// What a mark beside a p-value says. The intervals have another level, and do not decide.
fn footnote() -> String {
    format!(
        "* differs: p is at most {SIGNIFICANCE}, whatever the 95 % interval; p-values of all but the first metric are corrected for their number\n"
    )
}

fn probability(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Columns as wide as their widest cell: names to the left, figures to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, "{cell:<width$}"),
                // Marks stand behind the figures.
                _ if column == N - 1 => write!(line, "  {cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn of_gate(gate: &GateResult) -> String {
    let result = if gate.held { "gate held  " } else { "GATE BROKEN" };
    format!("{result}  {}\n  {}: {}", safe_line(&gate.gate), safe_line(&gate.scenario), safe_line(&gate.sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readers would otherwise take the interval for what decides.
    #[test]
    fn the_footnote_says_which_p_is_a_difference() {
        assert!(footnote().starts_with("* differs: p is at most 0.01, "), "{}", footnote());
    }
}
