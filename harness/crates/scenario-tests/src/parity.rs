//! The trials `parity::NAME`: compare one scenario, for one combination of its matrix, on every runtime.
//!
//! One more trial proves that a difference is noticed, and passes when its comparison fails: on one runtime the
//! performer lacks a variable that decides its result, which no expectation of its scenario notices.

use std::{collections::BTreeMap, sync::Arc};

use hourglass_report::{failure_text, parity_text};
use hourglass_runner::{
    parity::{PARITY, ParityVerdict, of_trials},
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::Trial;
use libtest_mimic::Failed;

use crate::{availability::Availability, has_tag, trials::Runs};

/// The prefix of these trials' names.
pub(crate) const PREFIX: &str = "parity::";
/// The suffix of the trial that passes when its comparison fails.
pub(crate) const DROPPED: &str = "::dropped";
/// The tag of scenarios that measure rather than compare: on each runtime they take as long as all others together.
const LOAD: &str = "load";

/// One for each scenario with several runtimes, which compares the available ones; ignored if there are fewer than two.
/// `proof` names the scenario whose result depends on a variable of the performer's environment.
pub(crate) fn tests(
    trials: &[Trial],
    availability: &Availability,
    runs: &Runs,
    proof: Option<&str>,
) -> Vec<libtest_mimic::Trial> {
    let mut scenarios: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
    for trial in trials.iter().filter(|trial| !has_tag(trial, LOAD)) {
        if let Some((_, scenario)) = trial.name.split_once("::") {
            scenarios.entry(scenario).or_default().push(trial.clone());
        }
    }
    let several = scenarios.into_iter().filter(|(_, trials)| trials.len() > 1);
    several
        .flat_map(|(scenario, trials)| {
            let there: Vec<_> = trials.into_iter().filter(|trial| availability.has(trial.runtime)).collect();
            let ignored = there.len() < 2;
            let proof = (Some(scenario) == proof).then(|| {
                let (name, there, runs) = (scenario.to_owned(), there.clone(), runs.clone());
                let test = move || must_differ(&name, &there, &runs);
                libtest_mimic::Trial::test(format!("{PARITY}::{scenario}{DROPPED}"), test)
            });
            let (name, runs) = (scenario.to_owned(), runs.clone());
            let test = move || must_agree(&name, &there, &runs);
            let test = libtest_mimic::Trial::test(format!("{PARITY}::{scenario}"), test);
            [Some(test), proof].into_iter().flatten().map(move |test| test.with_ignored_flag(ignored))
        })
        .collect()
}

/// Compares the first runtime with the last, where the performer's environment is empty.
fn must_differ(scenario: &str, trials: &[Trial], runs: &Runs) -> Result<(), Failed> {
    let [first, .., last] = trials else { return Err("there is nothing to compare".into()) };
    let mut last = last.clone();
    let changed = Arc::make_mut(&mut last.scenario);
    changed.components.performer.environment.clear();
    for performer in changed.topology.performers_mut() {
        performer.environment.clear();
    }
    let reports = [runs.report_of(first)?, runs.run(&last)?];
    let named: Vec<_> =
        [first, &last].iter().zip(&reports).map(|(trial, report)| (trial.name.as_str(), Some(report))).collect();
    match of_trials(scenario, &named).verdict {
        ParityVerdict::Failed { differences } => {
            let what: Vec<_> = differences.iter().map(|difference| difference.what.as_str()).collect();
            if what == ["the result of task `task`"] { Ok(()) } else { Err(format!("it differs in {what:?}").into()) }
        }
        ParityVerdict::Passed => Err("a variable that is dropped makes no difference".into()),
        ParityVerdict::NotCompared { reason } => Err(format!("not compared: {reason}").into()),
    }
}

fn must_agree(scenario: &str, trials: &[Trial], runs: &Runs) -> Result<(), Failed> {
    let reports = trials.iter().map(|trial| runs.report_of(trial)).collect::<Result<Vec<TrialReport>, Failed>>()?;
    let named: Vec<_> =
        trials.iter().zip(&reports).map(|(trial, report)| (trial.name.as_str(), Some(report))).collect();
    let parity = of_trials(scenario, &named);
    match &parity.verdict {
        ParityVerdict::Passed => Ok(()),
        ParityVerdict::Failed { .. } => Err(parity_text(&parity, runs.again()).into()),
        ParityVerdict::NotCompared { reason } => {
            let failed = reports.iter().filter(|report| report.verdict != Verdict::Passed);
            let blocks: String = failed.map(|report| failure_text(report, runs.again())).collect();
            Err(format!("not compared: {reason}\n{blocks}").into())
        }
    }
}
