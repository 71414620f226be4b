//! Trials with the fault taken out, which prove that scenarios can fail.

use std::path::Path;

use super::error::ScenarioError;
use super::folder;
use super::trial::Trial;

/// The suffix of proof trials' names.
pub const WITHOUT_FAULT: &str = "::without_fault";

/// The counterparts of `trials` in which the fault is taken out. A trial without one is left out, unless one of the
/// `patterns` of the command line names it exactly or gives its file.
pub fn proofs(trials: &[Trial], patterns: &[String]) -> Result<Vec<Trial>, ScenarioError> {
    let proofs: Vec<_> = trials.iter().filter_map(Trial::without_fault).collect();
    for trial in trials.iter().filter(|trial| trial.fault_free.is_none()) {
        if let Some(name) = patterns.iter().find(|pattern| names_exactly(pattern, trial)) {
            return Err(ScenarioError::NoProof { name: name.clone() });
        }
    }
    if proofs.is_empty() { Err(ScenarioError::NothingLeft("`without_fault`".to_owned())) } else { Ok(proofs) }
}

fn names_exactly(pattern: &str, trial: &Trial) -> bool {
    let path = Path::new(pattern);
    pattern == trial.name || pattern == trial.scenario.name || (folder::is_file(path) && path == &*trial.path)
}
