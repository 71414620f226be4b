//! A part of the trials, for machines that share the work.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::error::ScenarioError;
use super::trial::Trial;

/// More machines are a mistake.
const MOST: usize = 1_000;

/// One of several parts of equal size: `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, counted from 1.
    index: usize,
    /// How many there are.
    count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if 1 <= index && index <= count && count <= MOST => Ok(Self { index, count }),
            Some((_, count)) if count > MOST => Err(format!("there are at most {MOST} shards")),
            Some((index, count)) if count > 0 => {
                Err(format!("there is no shard {index} of {count}: they are counted from 1"))
            }
            _ => Err("a shard and their number are expected, such as `1/3`".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// The trials of this part, in their order. Trials are dealt in the order of their names, so that the parts differ by
    /// one at most. The trials of a scenario on several runtimes stay together: they are compared with each other.
    pub fn of(self, trials: Vec<Trial>) -> Result<Vec<Trial>, ScenarioError> {
        let mut parts = BTreeMap::new();
        for trial in &trials {
            parts.insert(without_runtime(&trial.name).to_owned(), 0);
        }
        for (position, part) in parts.values_mut().enumerate() {
            *part = position % self.count + 1;
        }
        let number = parts.len();
        let is_ours = |trial: &Trial| parts.get(without_runtime(&trial.name)) == Some(&self.index);
        let ours: Vec<_> = trials.into_iter().filter(is_ours).collect();
        if ours.is_empty() {
            Err(ScenarioError::EmptyShard { shard: self.to_string(), most: number })
        } else {
            Ok(ours)
        }
    }
}

fn without_runtime(name: &str) -> &str {
    name.split_once("::").map_or(name, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::{Loader, RuntimeKind};

    /// Of a matrix of so many combinations, on two runtimes.
    fn trials(count: usize) -> Vec<Trial> {
        let values: Vec<_> = (0..count).map(|value| format!("p{value:02}")).collect();
        let text = format!(
            "name: many\ndescription: Many.\nmatrix: {{payload: [{}]}}\nsteps:\n  - create_task: {{payload: \"${{payload}}\"}}\n  - expect_verified: {{}}\n",
            values.join(", ")
        );
        let file = Loader::new().unwrap().parse(Path::new("many.yaml"), text).unwrap();
        file.trials(&[RuntimeKind::Process, RuntimeKind::Docker])
    }

    fn names(trials: &[Trial]) -> Vec<String> {
        trials.iter().map(|trial| trial.name.clone()).collect()
    }

    /// Every trial runs on exactly one machine, with those that it is compared with, and none has much more to do.
    #[rstest::rstest]
    fn shards_are_a_balanced_partition(#[values(1, 2, 3, 7)] count: usize, #[values(7, 12, 20)] scenarios: usize) {
        let all = trials(scenarios);
        let mut seen = BTreeSet::new();
        let mut sizes = Vec::new();
        for index in 1..=count {
            let shard: Shard = format!("{index}/{count}").parse().unwrap();
            let ours = shard.of(all.clone()).unwrap();
            assert_eq!(names(&ours), names(&shard.of(all.clone()).unwrap()), "the same every time");
            sizes.push(ours.len());
            for trial in &ours {
                assert!(seen.insert(trial.name.clone()), "{} is in two shards", trial.name);
                let other = trial.name.replace("process::", "docker::");
                assert!(names(&ours).contains(&other), "{} is without {other}", trial.name);
            }
        }
        assert_eq!(seen.len(), all.len());
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 2, "{sizes:?}");
    }

    /// A machine without work would be green whatever happens.
    #[test]
    fn a_shard_without_trials_is_refused() {
        let shard: Shard = "4/4".parse().unwrap();
        let error = shard.of(trials(3)).unwrap_err();
        assert_eq!(error.to_string(), "shard 4/4 has no trial");
    }

    #[rstest::rstest]
    #[case("0/3", "counted from 1")]
    #[case("4/3", "no shard 4 of 3")]
    #[case("1/0", "such as `1/3`")]
    #[case("1/1001", "at most 1000")]
    #[case("-1/3", "such as `1/3`")]
    #[case("1", "such as `1/3`")]
    #[case("a/b", "such as `1/3`")]
    fn bad_shards_are_refused(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<Shard>().unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
