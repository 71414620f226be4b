//! Values of variables from outside of the files: `--set NAME=VALUE`, and the environment of the user.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::error::ScenarioError;
use super::texts::Scalar;

/// The prefix of environment variables that set a variable of scenarios.
pub const VARIABLE_PREFIX: &str = "HARNESS_VAR_";

/// `NAME=VALUE`: a value for a variable of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value, as it is written.
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("a name, `=` and a value are expected, such as `count=3`".to_owned()),
        }
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.name, self.value)
    }
}

/// A value from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Override {
    value: String,
    /// How it was given, for messages.
    pub(super) origin: String,
}

/// The values of variables that take the place of those in the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, Override>);

impl Overrides {
    /// Those of `--set` and, for other variables, those of the environment of this process (`HARNESS_VAR_…`).
    pub fn of_process(assignments: &[Assignment]) -> Result<Self, ScenarioError> {
        Self::new(assignments, env::vars_os())
    }

    fn new(
        assignments: &[Assignment],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ScenarioError> {
        let mut values = BTreeMap::new();
        for assignment in assignments {
            let over = Override { value: assignment.value.clone(), origin: format!("--set {}", assignment.name) };
            if values.insert(assignment.name.clone(), over).is_some() {
                return Err(ScenarioError::SetTwice(assignment.name.clone()));
            }
        }
        for (variable, value) in environment {
            let Some(name) = variable.to_str().and_then(|variable| variable.strip_prefix(VARIABLE_PREFIX)) else {
                continue;
            };
            if name.is_empty() || values.contains_key(name) {
                continue;
            }
            let origin = format!("{VARIABLE_PREFIX}{name}");
            let value = value.into_string().map_err(|_| ScenarioError::NotText { variable: origin.clone() })?;
            values.insert(name.to_owned(), Override { value, origin });
        }
        Ok(Self(values))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Override> {
        self.0.get(name)
    }

    /// What gives the variables that are `declared` these values on a command line, in the order of their names.
    pub fn assignments<'a>(&'a self, declared: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = Assignment> {
        let given = self.0.iter().filter(move |(name, _)| declared(name));
        given.map(|(name, over)| Assignment { name: name.clone(), value: over.value.clone() })
    }

    /// The environment variables that set none of `declared`.
    pub(super) fn unused_environment<'a>(
        &'a self,
        declared: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = &'a str> {
        let of_environment = |over: &&Override| over.origin.starts_with(VARIABLE_PREFIX);
        let unused = self.0.iter().filter(move |(name, _)| !declared(name)).map(|(_, over)| over);
        unused.filter(of_environment).map(|over| over.origin.as_str())
    }
}

impl Override {
    /// The value with the type of the one that it replaces, and otherwise text as it is written; an error names the type
    /// that was expected.
    pub(super) fn scalar(&self, replaced: Option<&Scalar>) -> Result<Scalar, &'static str> {
        match replaced.map(|scalar| &scalar.0) {
            Some(Value::Number(_)) => match serde_json::from_str(&self.value) {
                // One that is written otherwise would be another text where it is used as text.
                Ok(Value::Number(number)) if number.to_string() == self.value => Ok(Scalar(number.into())),
                _ => Err("a number"),
            },
            Some(Value::Bool(_)) => {
                self.value.parse().map(|value: bool| Scalar(value.into())).map_err(|_| "`true` or `false`")
            }
            _ => Ok(Scalar(self.value.clone().into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn assignments(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn environment(entries: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        entries.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[rstest::rstest]
    #[case("count=3", "count", "3")]
    #[case("empty=", "empty", "")]
    #[case("key=a=b c", "key", "a=b c")]
    fn a_value_is_taken_as_it_is_written(#[case] text: &str, #[case] name: &str, #[case] value: &str) {
        let expected = Assignment { name: name.to_owned(), value: value.to_owned() };
        assert_eq!(text.parse::<Assignment>().unwrap(), expected);
        assert_eq!(expected.to_string(), text);
    }

    #[rstest::rstest]
    #[case("count")]
    #[case("=3")]
    #[case("")]
    fn what_is_no_assignment_is_refused(#[case] text: &str) {
        assert!(text.parse::<Assignment>().unwrap_err().contains("such as `count=3`"));
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let environment = environment(&[
            ("HARNESS_VAR_count", "4"),
            ("HARNESS_VAR_other", "x"),
            ("HARNESS_VAR_", "y"),
            ("count", "z"),
        ]);
        let overrides = Overrides::new(&assignments(&["count=3"]), environment).unwrap();
        let value = |name| overrides.get(name).map(|over: &Override| (over.value.as_str(), over.origin.as_str()));
        assert_eq!(value("count"), Some(("3", "--set count")));
        assert_eq!(value("other"), Some(("x", "HARNESS_VAR_other")));
        assert_eq!(overrides.0.len(), 2);
        let given = |declared: fn(&str) -> bool| overrides.assignments(declared).map(|one| one.to_string()).collect();
        let (all, one): (Vec<_>, Vec<_>) = (given(|_| true), given(|name| name == "other"));
        assert_eq!((all, one), (vec!["count=3".to_owned(), "other=x".to_owned()], vec!["other=x".to_owned()]));
        let unused: Vec<_> = overrides.unused_environment(|name| name == "nothing").collect();
        assert_eq!(unused, ["HARNESS_VAR_other"], "unknown names of the command line are errors elsewhere");
    }

    #[test]
    fn a_variable_that_is_set_twice_is_refused() {
        let error = Overrides::new(&assignments(&["count=3", "count=4"]), []).unwrap_err();
        assert!(matches!(error, ScenarioError::SetTwice(name) if name == "count"));
    }

    /// `if: "${down}"` needs a truth value, and a payload needs the text.
    #[rstest::rstest]
    #[case("3", json!(1), Ok(json!(3)))]
    #[case("-2.5", json!(1), Ok(json!(-2.5)))]
    #[case("0x10", json!(1), Err("a number"))]
    #[case("", json!(1), Err("a number"))]
    #[case("3e2", json!(1), Err("a number"))]
    #[case("false", json!(true), Ok(json!(false)))]
    #[case("no", json!(true), Err("`true` or `false`"))]
    #[case("3", json!("0x01"), Ok(json!("3")))]
    #[case("true", json!("0x01"), Ok(json!("true")))]
    fn a_value_has_the_type_of_the_one_that_it_replaces(
        #[case] value: &str,
        #[case] replaced: Value,
        #[case] expected: Result<Value, &'static str>,
    ) {
        let over = Override { value: value.to_owned(), origin: String::new() };
        assert_eq!(over.scalar(Some(&Scalar(replaced))).map(|scalar| scalar.0), expected);
        assert_eq!(over.scalar(None).unwrap().0, json!(value), "without a value to replace it is text");
    }
}
