//! What the patterns of a selection mean among trials that are known already.

use std::collections::BTreeSet;

use super::error::ScenarioError;
use super::select::{Matcher, Selection, matcher, same_path};
use super::trial::Trial;

impl Selection {
    /// The names of those of `known` that the patterns mean; without patterns, of all. `known` are all trials that there
    /// are: a whole name means one of them, and a part of a name several.
    pub fn meant(&self, known: &[Trial]) -> Result<BTreeSet<String>, ScenarioError> {
        let (paths, names) = self.paths_and_names();
        let paths: BTreeSet<_> = paths.iter().map(|path| same_path(path)).collect();
        let matchers: Vec<Matcher> = names.iter().map(|name| matcher(name, known)).collect::<Result<_, _>>()?;
        let is_meant = |trial: &&Trial| {
            self.patterns.is_empty()
                || paths.contains(&same_path(&trial.path))
                || matchers.iter().any(|matches| matches(trial))
        };
        Ok(known.iter().filter(is_meant).map(|trial| trial.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Loader, RuntimeKind};

    #[rstest::rstest]
    #[case::all(&[], &["process::square", "process::square_on_l1", "process::burst"])]
    #[case::whole_name(&["square"], &["process::square"])]
    #[case::part(&["squ"], &["process::square", "process::square_on_l1"])]
    #[case::file(&["own/burst.yaml"], &["process::burst"])]
    #[case::both(&["own/burst.yaml", "process::square"], &["process::burst", "process::square"])]
    fn patterns_mean_what_they_mean_to_a_run(#[case] patterns: &[&str], #[case] expected: &[&str]) {
        let mut loader = Loader::new().unwrap();
        let known: Vec<_> = ["square", "square_on_l1", "burst"]
            .into_iter()
            .flat_map(|name| {
                let steps = "steps: [{create_task: {payload: a}}, {expect_verified: {}}]";
                let text = format!("name: {name}\ndescription: A test's own.\n{steps}\n");
                let path = Path::new("own").join(name).with_extension("yaml");
                loader.parse(&path, text).unwrap().trials(&[RuntimeKind::Process])
            })
            .collect();
        let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let meant = Selection { patterns, ..Selection::default() }.meant(&known).unwrap();
        assert_eq!(meant, expected.iter().map(|name| (*name).to_owned()).collect());
    }
}
