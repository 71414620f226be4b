//! Expressions for errors that components may log: compiled one by one, so that every expression that loads can be
//! used.
//!
//! A set of expressions has a size limit for all together, which a single expression keeps and several exceed.

use std::sync::Arc;

use regex::Regex;

use super::error::ScenarioError;
use super::trial::Trial;

/// Errors that may be logged beside those that scenarios allow.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AllowedErrors {
    /// Allow ERROR records of components that this regular expression matches, beside the scenarios' own
    /// `invariants.allowed_errors`; may be repeated
    #[arg(long = "allow-error", value_name = "REGEX")]
    pub expressions: Vec<String>,
}

impl AllowedErrors {
    /// The trials with these errors allowed.
    pub fn over(&self, mut trials: Vec<Trial>) -> Result<Vec<Trial>, ScenarioError> {
        for expression in &self.expressions {
            compile(expression).map_err(|reason| ScenarioError::Expression {
                option: "--allow-error",
                expression: shortened(expression),
                reason,
            })?;
        }
        if self.expressions.is_empty() {
            return Ok(trials);
        }
        for trial in &mut trials {
            for scenario in [Some(&mut trial.scenario), trial.fault_free.as_mut()].into_iter().flatten() {
                Arc::make_mut(scenario).invariants.allowed_errors.extend(self.expressions.iter().cloned());
            }
        }
        Ok(trials)
    }
}

/// The compiled expression, or why it cannot be used.
pub(crate) fn compile(expression: &str) -> Result<Regex, String> {
    if expression.is_empty() {
        return Err("it is empty, and matches everything".to_owned());
    }
    Regex::new(expression).map_err(|error| {
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").trim_end_matches('.').to_owned()
    })
}

/// Whether an expression matches any text, so that it tells nothing.
pub(super) fn matches_everything(expression: &Regex) -> bool {
    ["a", "0", " ", "§"].iter().all(|text| expression.is_match(text))
}

/// An expression for a message; a long one is shortened.
pub(super) fn shortened(expression: &str) -> String {
    const LONGEST: usize = 60;
    let head: String = expression.chars().take(LONGEST).collect();
    if head.len() == expression.len() { head } else { head + "…" }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_base::RuntimeKind;

    use super::*;
    use crate::Loader;

    /// Under the size limit of a single expression; two of them exceed that of a set.
    const LARGE: &str = r"\pL{60}";

    fn trials(invariants: &str) -> Vec<Trial> {
        let text = format!(
            "name: own\ndescription: A user's own.\nvariables: {{f: a}}\nwithout_fault: {{f: b}}\n{invariants}steps:\n  \
             - create_task: {{payload: \"${{f}}\"}}\n  - expect_verified: {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[RuntimeKind::Process])
    }

    #[test]
    fn expressions_are_added_to_those_of_the_scenario_and_of_its_proof() {
        let allowed = AllowedErrors { expressions: vec!["^lost".to_owned()] };
        let trial = allowed.over(trials("invariants: {allowed_errors: [known]}\n")).unwrap().remove(0);
        assert_eq!(trial.scenario.invariants.allowed_errors, ["known", "^lost"]);
        assert_eq!(trial.without_fault().unwrap().scenario.invariants.allowed_errors, ["known", "^lost"]);
    }

    #[rstest::rstest]
    #[case::no_expression("a(", "failed to use --allow-error `a(`: unclosed group")]
    #[case::empty("", "failed to use --allow-error ``: it is empty")]
    fn an_invalid_expression_is_named(#[case] expression: &str, #[case] message: &str) {
        let allowed = AllowedErrors { expressions: vec![expression.to_owned()] };
        let error = allowed.over(trials("")).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[rstest::rstest]
    #[case::anything(".*", true)]
    #[case::any_letter(".", true)]
    #[case::an_empty_branch("lost|", true)]
    #[case::words(r"\w+", false)]
    #[case::an_error("^Failed to fetch .*", false)]
    fn an_expression_that_allows_every_error_is_a_warning(#[case] expression: &str, #[case] is_warned_of: bool) {
        let text = format!(
            "name: own\ndescription: d\ninvariants: {{allowed_errors: ['{expression}']}}\nsteps:\n  - create_task: {{payload: a}}\n  \
             - expect_verified: {{}}\n"
        );
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap();
        let found: Vec<_> = file.warnings.iter().map(hourglass_component::document::Report::one_line).collect();
        assert_eq!(found.iter().any(|warning| warning.contains("allows every error")), is_warned_of, "{found:?}");
    }

    /// Each has a limit of its own: their number must not decide whether they are used.
    #[test]
    fn several_large_expressions_are_all_used() {
        assert!(regex::RegexSet::new([LARGE; 6]).is_err(), "the expressions are too small to show anything");
        let list = vec![format!("'{LARGE}'"); 6].join(", ");
        let invariants = trials(&format!("invariants: {{allowed_errors: [{list}]}}\n"))[0].scenario.invariants.clone();
        assert_eq!(invariants.compile().unwrap().len(), 6);
    }
}
