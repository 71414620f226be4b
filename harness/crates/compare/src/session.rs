//! The trials of a comparison, one after the other.

use hourglass_runner::{
    TrialSettings, run_trial,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::Trial;
use tokio_util::sync::CancellationToken;

use super::{
    metrics,
    model::{Sample, Side},
    order::first_sides,
    steal::{MOST_PERCENT, ProcessorTimes, too_many},
};

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The two sides.
    pub sides: [Side; 2],
    /// Each scenario by its name, with its trial on each side.
    pub scenarios: Vec<(String, [Trial; 2])>,
    /// How many rounds are measured. A round has one trial of each scenario on each side.
    pub runs: usize,
    /// How many rounds come before and are not measured.
    pub warm_up: usize,
    /// The seed of the order.
    pub seed: u64,
}

/// How the trials ended.
#[derive(Debug)]
pub enum End {
    /// All of them were run.
    Complete,
    /// More than a fifth of those to be measured were discarded.
    TooBusy {
        /// How many were.
        discarded: usize,
        /// Of how many.
        planned: usize,
    },
    /// One did not pass.
    TrialFailed(Box<TrialReport>),
    /// The user ended the comparison.
    Interrupted,
}

impl Plan {
    /// How many trials there are in all.
    pub fn trials(&self) -> usize {
        2 * self.scenarios.len() * (self.runs + self.warm_up)
    }

    /// Runs the trials, in each round and scenario first that side which the seed says. `note` is told of each trial that
    /// begins, and of each that is discarded. The samples are in the order in which the trials ran; one that did not pass
    /// has none.
    pub async fn run(
        &self,
        settings: &TrialSettings,
        interrupt: &CancellationToken,
        note: &(dyn Fn(&str) + Sync),
    ) -> (Vec<Sample>, End) {
        self.run_on(settings, interrupt, note, &ProcessorTimes::now).await
    }

    /// The same on a machine whose processors' time `times` tells.
    pub async fn run_on(
        &self,
        settings: &TrialSettings,
        interrupt: &CancellationToken,
        note: &(dyn Fn(&str) + Sync),
        times: &(dyn Fn() -> Option<ProcessorTimes> + Sync),
    ) -> (Vec<Sample>, End) {
        let planned = 2 * self.scenarios.len() * self.runs;
        let mut samples: Vec<Sample> = Vec::with_capacity(self.trials());
        for (turn, first) in self.turns() {
            let Turn { scenario, trials, warm_up, round } = turn;
            for side in [first, 1 - first] {
                let name = &self.sides[side].name;
                let of = if warm_up { self.warm_up } else { self.runs };
                let kind = if warm_up { "warm-up" } else { "run" };
                note(&format!("{kind} {round} of {of}: {scenario} on {name}"));
                let before = times();
                let report = run_trial(&trials[side], settings, interrupt, &|_| {}).await;
                let steal = times().zip(before).map(|(now, before)| now.stolen_since(before));
                match report.verdict {
                    Verdict::Passed => {}
                    Verdict::Interrupted => return (samples, End::Interrupted),
                    _ => return (samples, End::TrialFailed(Box::new(report))),
                }
                let busy = steal.filter(|steal| !warm_up && *steal > MOST_PERCENT);
                let discarded = busy.map(|steal| format!("other machines took {steal:.1} % of the processors' time"));
                if let Some(reason) = &discarded {
                    note(&format!("discarded: {reason}, and the limit is {MOST_PERCENT} %"));
                }
                samples.push(Sample {
                    scenario: scenario.clone(),
                    side: name.clone(),
                    round,
                    warm_up,
                    started: report.started,
                    steal_percent: steal,
                    discarded,
                    values: metrics::of_trial(&report, &trials[side].scenario),
                });
                let discarded = samples.iter().filter(|sample| sample.discarded.is_some()).count();
                if too_many(discarded, planned) {
                    return (samples, End::TooBusy { discarded, planned });
                }
                if interrupt.is_cancelled() {
                    return (samples, End::Interrupted);
                }
            }
        }
        (samples, End::Complete)
    }

    /// The turns in their order, each with the side that comes first.
    fn turns(&self) -> Vec<(Turn<'_>, usize)> {
        let rounds = (0..self.warm_up).map(|round| (true, round)).chain((0..self.runs).map(|round| (false, round)));
        // Each scenario is balanced by itself.
        let orders: Vec<_> = (0_u64..)
            .zip(&self.scenarios)
            .map(|(index, _)| {
                let seed = self.seed.wrapping_add(index);
                [first_sides(self.warm_up, !seed), first_sides(self.runs, seed)]
            })
            .collect();
        let mut turns = Vec::new();
        for (warm_up, round) in rounds {
            for ((scenario, trials), order) in self.scenarios.iter().zip(&orders) {
                let first = order[usize::from(!warm_up)][round];
                turns.push((Turn { scenario, trials, warm_up, round: round + 1 }, first));
            }
        }
        turns
    }
}

/// A round of a scenario.
struct Turn<'a> {
    scenario: &'a String,
    trials: &'a [Trial; 2],
    warm_up: bool,
    /// From 1.
    round: usize,
}
