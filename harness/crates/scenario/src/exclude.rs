//! What a selection leaves out, and whether its exclusions and its values of variables mean anything.

use std::collections::BTreeSet;
use std::path::Path;

use hourglass_component::document::suggest;

use super::error::ScenarioError;
use super::folder::is_file;
use super::model::Scenario;
use super::overrides::Assignment;
use super::select::{Matcher, Selection, matcher, same_path};
use super::trial::Trial;

/// What a selection chooses from.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// All trials on all runtimes.
    pub(super) trials: Vec<Trial>,
    /// Scenarios that are excluded by their names and cannot be read.
    pub(super) unreadable: Vec<String>,
}

impl Selection {
    /// Takes out the excluded ones of `trials`. An exclusion that means none of `known` is a mistake.
    pub(super) fn exclude(&self, trials: &mut Vec<Trial>, known: &Known) -> Result<(), ScenarioError> {
        for name in &self.exclude {
            let matches: Matcher = if is_file(Path::new(name)) {
                let excluded = same_path(Path::new(name));
                Box::new(move |trial| same_path(&trial.path) == excluded)
            } else {
                matcher(name, &known.trials)?
            };
            if !known.trials.iter().any(&matches) && !known.unreadable.contains(name) {
                let word = name.split("::").nth(1).unwrap_or(name);
                let names: BTreeSet<_> = known.trials.iter().map(|trial| trial.scenario.name.as_str()).collect();
                let suggestion = suggest(word, names).map(ToOwned::to_owned);
                return Err(ScenarioError::NoMatch { pattern: name.clone(), suggestion });
            }
            trials.retain(|trial| !matches(trial));
        }
        for tag in &self.exclude_tags {
            let tags: BTreeSet<_> =
                known.trials.iter().flat_map(|trial| &trial.scenario.tags).map(String::as_str).collect();
            if !tags.contains(tag.as_str()) {
                let suggestion = suggest(tag, tags).map(ToOwned::to_owned);
                return Err(ScenarioError::NoTag { tag: tag.clone(), suggestion });
            }
            trials.retain(|trial| !trial.scenario.tags.contains(tag));
        }
        Ok(())
    }

    /// A variable that is set on the command line must be one of a selected scenario: otherwise the value has no effect.
    pub fn know_variables<'a>(&self, scenarios: impl Iterator<Item = &'a Scenario>) -> Result<(), ScenarioError> {
        let names: BTreeSet<_> = scenarios.flat_map(|scenario| scenario.variables.keys()).map(String::as_str).collect();
        match self.set.iter().find(|assignment| !names.contains(assignment.name.as_str())) {
            Some(Assignment { name, .. }) => {
                let suggestion = suggest(name, names).map(ToOwned::to_owned);
                Err(ScenarioError::NoVariable { name: name.clone(), suggestion })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::RuntimeKind;

    /// `alice` with the variable `count`, `bob` with two tags, `carol` that cannot be read.
    fn folder(with_carol: bool) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let steps = "steps:\n  - create_task: {payload: \"1\"}\n  - expect_verified: {}\n";
        let write = |name: &str, rest: &str| {
            let text = format!("name: {name}\ndescription: A test's own.\n{rest}{steps}");
            fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
        };
        let mine = "  - mine: {blocks: \"${count}\"}\n";
        fs::write(
            folder.path().join("alice.yaml"),
            format!("name: alice\ndescription: Mines.\ntags: [fast]\nvariables: {{count: 1}}\n{steps}{mine}"),
        )
        .unwrap();
        write("bob", "tags: [fast, slow]\n");
        if with_carol {
            write("carol", "unknown: key\n");
        }
        folder
    }

    fn names(folder: &TempDir, change: impl FnOnce(&mut Selection)) -> Result<Vec<String>, ScenarioError> {
        let mut selection = Selection {
            directory: Some(folder.path().to_owned()),
            runtimes: vec![RuntimeKind::Process],
            ..Selection::default()
        };
        change(&mut selection);
        Ok(selection.trials()?.into_iter().map(|trial| trial.scenario.name.clone()).collect())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[rstest::rstest]
    #[case::scenario(&["bob"], &["alice"])]
    #[case::trial(&["process::bob"], &["alice"])]
    #[case::part(&["ali"], &["bob"])]
    #[case::pattern(&["*b"], &["alice"])]
    #[case::another_runtime(&["docker::bob"], &["alice", "bob"])]
    fn names_are_excluded(#[case] exclude: &[&str], #[case] expected: &[&str]) {
        let folder = folder(false);
        assert_eq!(names(&folder, |selection| selection.exclude = texts(exclude)).unwrap(), expected);
    }

    #[test]
    fn files_and_tags_are_excluded() {
        let folder = folder(false);
        let file = folder.path().join("./alice.yaml").display().to_string();
        assert_eq!(names(&folder, |selection| selection.exclude = vec![file]).unwrap(), ["bob"]);
        assert_eq!(names(&folder, |selection| selection.exclude_tags = texts(&["slow"])).unwrap(), ["alice"]);
        let error = names(&folder, |selection| selection.exclude_tags = texts(&["fast"])).unwrap_err();
        assert_eq!(error.to_string(), "no trial has the runtime `process` and a name and tags that are not excluded");
    }

    /// A misspelt exclusion would run what it was meant to leave out.
    #[test]
    fn exclusions_that_mean_nothing_are_refused() {
        let folder = folder(false);
        let error = names(&folder, |selection| selection.exclude = texts(&["alcie"])).unwrap_err();
        let ScenarioError::NoMatch { suggestion, .. } = &error else { panic!("{error}") };
        assert_eq!(suggestion.as_deref(), Some("alice"));
        let error = names(&folder, |selection| selection.exclude_tags = texts(&["slwo"])).unwrap_err();
        let ScenarioError::NoTag { suggestion, .. } = &error else { panic!("{error}") };
        assert_eq!(suggestion.as_deref(), Some("slow"));
    }

    #[test]
    fn an_excluded_file_may_be_broken() {
        let folder = folder(true);
        assert!(matches!(names(&folder, |_| {}), Err(ScenarioError::Invalid(_))));
        assert_eq!(names(&folder, |selection| selection.exclude = texts(&["carol"])).unwrap(), ["alice", "bob"]);
    }

    #[test]
    fn a_set_variable_must_be_one_of_a_selected_scenario() {
        let folder = folder(false);
        let set = |text: &str| vec![text.parse::<Assignment>().unwrap()];
        let trials = Selection {
            directory: Some(folder.path().to_owned()),
            set: set("count=3"),
            runtimes: vec![RuntimeKind::Process],
            ..Selection::default()
        };
        let trials = trials.trials().unwrap();
        assert_eq!(trials[0].scenario.variables["count"].0, 3);
        let error = names(&folder, |selection| selection.set = set("cuont=3")).unwrap_err();
        let ScenarioError::NoVariable { suggestion, .. } = &error else { panic!("{error}") };
        assert_eq!(suggestion.as_deref(), Some("count"));
        let error = names(&folder, |selection| {
            selection.patterns = texts(&["bob"]);
            selection.set = set("count=3");
        });
        assert!(matches!(error, Err(ScenarioError::NoVariable { .. })), "`bob` has no variables");
        let error = names(&folder, |selection| selection.set = set("count=many")).unwrap_err();
        let ScenarioError::Invalid(broken) = &error else { panic!("{error}") };
        let line = broken[0].reports()[0].one_line();
        assert!(line.contains("--set count gives the variable `count` a value that is not a number"), "{line}");
    }
}
