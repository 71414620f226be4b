//! The trials `parity::NAME`: one scenario, for one combination of its matrix, on every runtime, and the same there.

use std::collections::BTreeMap;

use hourglass_harness::{
    report,
    runner::{
        parity::{PARITY, ParityVerdict, of_trials},
        verdict::{TrialReport, Verdict},
    },
    scenario::Trial,
};
use libtest_mimic::Failed;

use crate::{COMMAND, availability::Availability, has_tag, run};

/// What the names of these trials begin with.
pub(crate) const PREFIX: &str = "parity::";
/// The tag of scenarios that measure rather than compare: on each runtime they take as long as all others together.
const LOAD: &str = "load";

/// One for each scenario with several runtimes; ignored where one of them is not there.
pub(crate) fn tests(trials: &[Trial], availability: &Availability) -> Vec<libtest_mimic::Trial> {
    let mut scenarios: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
    for trial in trials.iter().filter(|trial| !has_tag(trial, LOAD)) {
        if let Some((_, scenario)) = trial.name.split_once("::") {
            scenarios.entry(scenario).or_default().push(trial.clone());
        }
    }
    let several = scenarios.into_iter().filter(|(_, trials)| trials.len() > 1);
    several
        .map(|(scenario, trials)| {
            let ignored = trials.iter().any(|trial| !availability.has(trial.runtime));
            let name = scenario.to_owned();
            let test = move || must_agree(&name, &trials);
            libtest_mimic::Trial::test(format!("{PARITY}::{scenario}"), test).with_ignored_flag(ignored)
        })
        .collect()
}

fn must_agree(scenario: &str, trials: &[Trial]) -> Result<(), Failed> {
    let reports = trials.iter().map(run).collect::<Result<Vec<TrialReport>, Failed>>()?;
    let named: Vec<_> =
        trials.iter().zip(&reports).map(|(trial, report)| (trial.name.as_str(), Some(report))).collect();
    let parity = of_trials(scenario, &named);
    match &parity.verdict {
        ParityVerdict::Passed => Ok(()),
        ParityVerdict::Failed { .. } => Err(report::parity_text(&parity, COMMAND).into()),
        ParityVerdict::NotCompared { reason } => {
            let failed = reports.iter().filter(|report| report.verdict != Verdict::Passed);
            let blocks: String = failed.map(|report| report::failure_text(report, COMMAND)).collect();
            Err(format!("not compared: {reason}\n{blocks}").into())
        }
    }
}
