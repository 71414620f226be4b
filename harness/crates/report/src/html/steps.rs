//! The steps of a trial and the lines of its scenario.

use std::collections::BTreeMap;

use hourglass_runner::verdict::{StepOutcome, StepReport, Violation};

use super::{
    budget::Budget,
    text::{Text, time},
};

/// How many steps a page shows.
const STEPS: usize = 200;
/// How many lines of a scenario a page shows, and the limit of each in bytes.
const LINES: usize = 400;
const LINE: usize = 300;
const MARKUP: usize = 180;

/// A step in the table.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) title: Text,
    pub(super) place: Text,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) symbol: &'static str,
    pub(super) began: String,
    pub(super) took: String,
    /// What was expected and what was seen, where that differs.
    pub(super) unmet: Option<(Text, Text)>,
}

/// A line of the scenario.
#[derive(Debug)]
pub(super) struct SourceLine {
    pub(super) number: usize,
    pub(super) text: Text,
    /// The outcome of the step that begins in it.
    pub(super) step: Option<(&'static str, &'static str, &'static str)>,
}

/// The outcome's class in the stylesheet, and its word.
pub(super) fn outcome(outcome: StepOutcome) -> (&'static str, &'static str) {
    let class = match outcome {
        StepOutcome::Done => "ok",
        StepOutcome::Failed => "bad",
        StepOutcome::CouldNotBeDone => "env",
        StepOutcome::NotEnded => "cutoff",
        StepOutcome::NotBegun => "none",
    };
    (class, outcome.word())
}

/// The outcome's symbol, beside its word.
fn symbol(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Done => "✓",
        StepOutcome::Failed => "✗",
        StepOutcome::CouldNotBeDone => "!",
        StepOutcome::NotEnded => "…",
        StepOutcome::NotBegun => "○",
    }
}

/// The steps within the budget, and how many are left out.
pub(super) fn steps(steps: &[StepReport], violations: &[Violation], budget: &mut Budget) -> (Vec<Step>, usize) {
    let unmet = |step: &StepReport| {
        let violation = violations
            .iter()
            .find(|violation| violation.place.as_deref() == Some(&step.place) && violation.what == step.title)?;
        Some((Text::line_within(&violation.expected, 300), Text::line_within(&violation.seen, 300)))
    };
    let step = |step: &StepReport| {
        let (class, word) = outcome(step.outcome);
        Step {
            title: Text::line(&step.title),
            place: Text::line(&step.place),
            class,
            word,
            symbol: symbol(step.outcome),
            began: step.began.map(time).unwrap_or_default(),
            took: step.duration.map(time).unwrap_or_default(),
            unmet: unmet(step),
        }
    };
    let shown = steps.iter().take(STEPS).map(step).take_while(|step| {
        let (expected, seen) = step.unmet.clone().unwrap_or_default();
        budget.takes(MARKUP, &[&step.title, &step.place, &expected, &seen])
    });
    let shown: Vec<_> = shown.collect();
    let left_out = steps.len() - shown.len();
    (shown, left_out)
}

/// The lines of the scenario with the outcomes of the steps in them; none where a step has no line in this text, which
/// then is not what was run.
pub(super) fn source(text: &str, steps: &[StepReport], budget: &mut Budget) -> Vec<SourceLine> {
    let by_line: BTreeMap<_, _> = steps.iter().map(|step| (step.line, step.outcome)).collect();
    let count = text.lines().count();
    if count > LINES || steps.iter().any(|step| step.line == 0 || step.line > count) {
        return Vec::new();
    }
    let line = |(index, line): (usize, &str)| {
        let number = index + 1;
        let step = by_line.get(&number).map(|found| {
            let (class, word) = outcome(*found);
            (class, word, symbol(*found))
        });
        SourceLine { number, text: Text::line_within(line, LINE), step }
    };
    let lines: Vec<_> = text.lines().enumerate().map(line).collect();
    let texts: Vec<_> = lines.iter().map(|line| &line.text).collect();
    if budget.takes(lines.len() * 60, &texts) { lines } else { Vec::new() }
}
