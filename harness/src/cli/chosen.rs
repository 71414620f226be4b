//! The options of `run` and `plan` that change the selected scenarios.

use std::collections::BTreeSet;

use hourglass_scenario::{
    AllowedErrors, Images, LARGE, ScenarioError, Selected, Selection, Trial, WITHOUT_FAULT, check_components, proofs,
    without_number,
};

use super::{CliError, notice};

/// What is put over the scenarios that are selected.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ChosenArgs {
    /// Images of the user's
    #[command(flatten)]
    pub images: Images,
    /// Errors that may be logged
    #[command(flatten)]
    pub allowed_errors: AllowedErrors,
    /// The counterparts of negative scenarios, in which the fault is taken out: they pass when an expectation fails
    #[arg(long)]
    pub without_fault: bool,
}

impl ChosenArgs {
    /// The trials of a selection, changed by all these options; of them, those of its shard.
    pub fn trials(&self, selection: &Selection) -> Result<Vec<Trial>, CliError> {
        let is_asked = !selection.patterns.is_empty() || !selection.tags.is_empty();
        let trials = self.of_all_shards(selection, is_asked)?;
        match selection.shard {
            Some(shard) => Ok(shard.of(trials)?),
            None => Ok(trials),
        }
    }

    /// The same before they are divided into shards. Those that take long are left out unless they are `asked` for.
    pub(super) fn of_all_shards(&self, selection: &Selection, asked: bool) -> Result<Vec<Trial>, CliError> {
        let mut selection = with_embedded(selection);
        let without_fault = strip(&mut selection.patterns)? || self.without_fault;
        selection.exclude.iter_mut().for_each(|name| *name = trial_of(name).to_owned());
        let Selected { trials, notices } = selection.select()?;
        let (trials, large) = without_large(trials, asked);
        for text in notices.into_iter().chain(large) {
            notice(&text);
        }
        let trials = self.images.over(trials)?;
        for warning in self.images.warnings(&trials) {
            notice(&warning);
        }
        let trials = self.allowed_errors.over(trials)?;
        check_components(&trials)?;
        if without_fault { Ok(proofs(&trials, &selection.patterns)?) } else { Ok(trials) }
    }
}

/// The error of a command that takes the scenario `name` if none is named: nobody has written that name.
pub(super) fn of_default(error: CliError, name: &str) -> CliError {
    match error {
        CliError::Scenario(ScenarioError::NoMatch { .. }) => CliError::Usage(format!(
            "failed to choose a scenario: none is named, and there is no `{name}`, which is taken then; name one, or take that of the executable with `--builtin`"
        )),
        error => error,
    }
}

/// The selection, which finds the scenarios of this executable if it asks for them.
pub(super) fn with_embedded(selection: &Selection) -> Selection {
    Selection { embedded: hourglass_scenarios::FILES, ..selection.clone() }
}

/// The name of the trial in a name from a report, which may be that of its proof or of a repetition.
fn trial_of(name: &str) -> &str {
    let name = without_number(name);
    name.strip_suffix(WITHOUT_FAULT).unwrap_or(name)
}

/// Leaves out trials with the tag `large` unless they were asked for, and tells which: they take long, and a run of all is for
/// every day.
pub(super) fn without_large(trials: Vec<Trial>, asked: bool) -> (Vec<Trial>, Option<String>) {
    if asked || trials.iter().all(Trial::is_large) {
        return (trials, None);
    }
    let (large, others): (Vec<_>, Vec<_>) = trials.into_iter().partition(Trial::is_large);
    let names: BTreeSet<_> = large.iter().map(|trial| trial.scenario.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let notice =
        format!("left out: {names}: the tag `{LARGE}` says that it takes long; `--tag {LARGE}` or its name selects it");
    (others, (!large.is_empty()).then_some(notice))
}

/// Whether the patterns name proof trials by their names in reports; afterwards they name the trials to prove.
fn strip(patterns: &mut [String]) -> Result<bool, CliError> {
    for pattern in patterns.iter_mut() {
        *pattern = without_number(pattern).to_owned();
    }
    let are_proofs: Vec<_> = patterns.iter().map(|pattern| pattern.ends_with(WITHOUT_FAULT)).collect();
    if let (Some(proof), true) = (are_proofs.iter().position(|is| *is), are_proofs.contains(&false)) {
        let name = &patterns[proof];
        return Err(CliError::Usage(format!(
            "failed to select {name} among trials with their faults: trials without them are run by themselves, with `--without-fault`"
        )));
    }
    for pattern in patterns.iter_mut().filter(|pattern| pattern.ends_with(WITHOUT_FAULT)) {
        pattern.truncate(pattern.len() - WITHOUT_FAULT.len());
    }
    Ok(are_proofs.contains(&true))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_base::RuntimeKind;

    use super::*;

    fn names(patterns: &[&str], without_fault: bool) -> Result<Vec<String>, CliError> {
        let selection = Selection {
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            runtimes: vec![RuntimeKind::Process],
            directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")),
            ..Selection::default()
        };
        let trials = ChosenArgs { without_fault, ..ChosenArgs::default() }.trials(&selection)?;
        assert!(trials.iter().all(|trial| trial.proof == trial.name.ends_with(WITHOUT_FAULT)));
        Ok(trials.into_iter().map(|trial| trial.name).collect())
    }

    /// As in the test target: whoever runs all does not wait for them, and whoever names them does not lose them.
    #[rstest::rstest]
    #[case::all(&[], false)]
    #[case::by_name(&["burst_large"], true)]
    #[case::by_a_part_of_names(&["burst*"], true)]
    fn large_scenarios_are_left_out_unless_they_are_asked_for(#[case] patterns: &[&str], #[case] expected: bool) {
        let names = names(patterns, false).unwrap();
        assert_eq!(names.contains(&"process::burst_large".to_owned()), expected, "{names:?}");
        assert!(names.contains(&"process::burst".to_owned()) || patterns == ["burst_large"], "{names:?}");
    }

    #[test]
    fn large_scenarios_are_selected_by_their_tag_or_if_there_are_no_others() {
        let selection = Selection {
            tags: vec![LARGE.to_owned()],
            directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")),
            ..Selection::default()
        };
        let trials = ChosenArgs::default().trials(&selection).unwrap();
        assert!(!trials.is_empty() && trials.iter().all(Trial::is_large), "{trials:?}");
        let (same, notice) = without_large(trials.clone(), false);
        assert_eq!((same.len(), notice), (trials.len(), None));
    }

    /// A proof is selected by the flag, or by its name in reports.
    #[rstest::rstest]
    #[case(&["quorum_lost"], true)]
    #[case(&["process::quorum_lost"], true)]
    #[case(&["process::quorum_lost::without_fault"], false)]
    #[case(&["quorum_lost::without_fault"], true)]
    #[case::repetition(&["process::quorum_lost::without_fault#2"], false)]
    fn proofs_are_selected(#[case] patterns: &[&str], #[case] without_fault: bool) {
        assert_eq!(names(patterns, without_fault).unwrap(), ["process::quorum_lost::without_fault"]);
    }

    /// Scenarios without a proof are left out of a run of all, and refused if they are named.
    #[test]
    fn a_scenario_without_a_fault_is_refused_when_it_is_named() {
        let all = names(&[], true).unwrap();
        assert!(all.len() >= 7 && !all.iter().any(|name| name.contains("square")), "{all:?}");
        for pattern in ["square", "process::square", "process::square::without_fault"] {
            let error = names(&[pattern], true).unwrap_err();
            assert!(matches!(error, CliError::Scenario(ScenarioError::NoProof { .. })), "{pattern}: {error}");
        }
        let error = names(&["squ"], true).unwrap_err();
        assert_eq!(error.to_string(), "no trial has `without_fault`");
        let error = names(&["quorum_lost::without_fault", "square"], false).unwrap_err();
        assert!(error.to_string().contains("`--without-fault`"), "{error}");
    }
}
