//! What a run came to: the scenarios with their runtimes side by side, and the comparisons between runtimes.

use std::collections::BTreeMap;

use hourglass_runner::{
    parity::{Difference, PARITY, Parity, ParityVerdict},
    verdict::{TrialReport, Verdict},
};

use super::{
    text::{Marked, Text, difference, time, time_of},
    trial::Badge,
};
use crate::{RunReport, block::parity_again};

/// How many differences of a comparison a page shows, and the limit of each side in bytes.
const DIFFERENCES: usize = 20;
const SIDE: usize = 2 << 10;

/// A trial that has not run.
const NOT_RUN: Badge = Badge { word: "not run", symbol: "○", class: "none" };

/// A verdict as a word, a symbol and a class.
pub(super) fn badge(verdict: &Verdict) -> Badge {
    let (word, symbol, class) = match verdict {
        Verdict::Passed => ("passed", "✓", "ok"),
        Verdict::Failed { .. } => ("failed", "✗", "bad"),
        Verdict::EnvironmentFailed { .. } => ("environment failed", "!", "env"),
        Verdict::Skipped { .. } => ("skipped", "–", "none"),
        Verdict::Interrupted => ("interrupted", "■", "cutoff"),
    };
    Badge { word, symbol, class }
}

/// Scenarios by runtimes.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    pub(super) runtimes: Vec<Text>,
    pub(super) rows: Vec<MatrixRow>,
}

#[derive(Debug)]
pub(super) struct MatrixRow {
    pub(super) scenario: Text,
    /// One for each runtime.
    pub(super) cells: Vec<Option<Cell>>,
    pub(super) parity: Option<(String, Badge)>,
}

#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The anchor of the trial's section.
    pub(super) id: Option<String>,
    pub(super) verdict: Badge,
    pub(super) duration: String,
    /// The median time from a task's creation to its verification.
    pub(super) verified: String,
}

/// A comparison.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) verdict: Badge,
    pub(super) runtimes: Vec<Text>,
    pub(super) reason: Text,
    pub(super) differences: Vec<Sides>,
    pub(super) more: usize,
    pub(super) again: Text,
}

/// Both sides of a difference.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) what: Text,
    pub(super) sides: [(Text, Marked); 2],
}

impl Matrix {
    /// The trials of the run; `ids` are the anchors of their sections, in the order of `run.trials`.
    pub(super) fn of(run: &RunReport, ids: &[Option<String>]) -> Self {
        let mut runtimes: Vec<String> = Vec::new();
        let mut rows: BTreeMap<String, BTreeMap<usize, Cell>> = BTreeMap::new();
        let mut add = |name: &str, cell: Cell| {
            let (runtime, scenario) = name.split_once("::").unwrap_or(("", name));
            let column = runtimes.iter().position(|known| known == runtime).unwrap_or_else(|| {
                runtimes.push(runtime.to_owned());
                runtimes.len() - 1
            });
            rows.entry(scenario.to_owned()).or_default().insert(column, cell);
        };
        for (trial, id) in run.trials.iter().zip(ids) {
            add(&trial.trial, cell(trial, id.clone()));
        }
        for name in &run.not_run {
            add(name, Cell { id: None, verdict: NOT_RUN, duration: String::new(), verified: String::new() });
        }
        let parity: BTreeMap<_, _> =
            run.parity.iter().enumerate().map(|(index, one)| (&one.name, (index, one))).collect();
        let rows = rows.into_iter().map(|(scenario, cells)| {
            let parity = parity.get(&format!("{PARITY}::{scenario}"));
            MatrixRow {
                cells: (0..runtimes.len()).map(|column| cells.get(&column).cloned()).collect(),
                parity: parity.map(|(index, parity)| (format!("p{index}"), parity_badge(parity))),
                scenario: Text::line(&scenario),
            }
        });
        Self { rows: rows.collect(), runtimes: runtimes.iter().map(|name| Text::line(name)).collect() }
    }

    /// Whether a row has a comparison.
    pub(super) fn has_parity(&self) -> bool {
        self.rows.iter().any(|row| row.parity.is_some())
    }
}

fn cell(trial: &TrialReport, id: Option<String>) -> Cell {
    let mut verified: Vec<_> = trial.tasks.iter().filter_map(|task| task.phases.verified).collect();
    verified.sort_by(f64::total_cmp);
    let verified = verified.get(verified.len() / 2).map(|at| time_of(*at)).unwrap_or_default();
    Cell { id, verdict: badge(&trial.verdict), duration: time(trial.duration), verified }
}

fn parity_badge(parity: &Parity) -> Badge {
    let (word, symbol, class) = match parity.verdict {
        ParityVerdict::Passed => ("same", "=", "ok"),
        ParityVerdict::Failed { .. } => ("differs", "≠", "bad"),
        ParityVerdict::NotCompared { .. } => ("not compared", "–", "none"),
    };
    Badge { word, symbol, class }
}

impl Comparison {
    /// The comparisons of a run.
    pub(super) fn all(run: &RunReport, command: &str) -> Vec<Self> {
        run.parity.iter().enumerate().map(|(index, parity)| Self::of(index, parity, command)).collect()
    }

    fn of(index: usize, parity: &Parity, command: &str) -> Self {
        let (found, reason): (&[Difference], &str) = match &parity.verdict {
            ParityVerdict::Passed => (&[], ""),
            ParityVerdict::Failed { differences } => (differences, ""),
            ParityVerdict::NotCompared { reason } => (&[], reason),
        };
        Self {
            id: format!("p{index}"),
            name: Text::line(&parity.name),
            verdict: parity_badge(parity),
            runtimes: parity.runtimes.iter().map(|name| Text::line(name)).collect(),
            reason: Text::line(reason),
            differences: found.iter().take(DIFFERENCES).map(Sides::of).collect(),
            more: found.len().saturating_sub(DIFFERENCES),
            again: Text::line(&parity_again(parity, command)),
        }
    }
}

impl Sides {
    fn of(found: &Difference) -> Self {
        let texts = found.sides.each_ref().map(|(_, text)| Text::lines_within(text, SIDE));
        let [one, other] = difference(texts[0].as_str(), texts[1].as_str());
        let names = found.sides.each_ref().map(|(name, _)| Text::line(name));
        let [first, second] = names;
        Self { what: Text::line(&found.what), sides: [(first, one), (second, other)] }
    }
}
