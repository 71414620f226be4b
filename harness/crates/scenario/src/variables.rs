//! `${name}` in the texts of a scenario.
//!
//! A text that is only `${name}` becomes the variable's value with its own type, so that numbers and booleans can be
//! variables; in a longer text the value is inserted as text. `$${` stands for a literal `${`.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_component::document::{Pointer, Problem, Problems};
use serde_json::Value;

use super::texts::Scalar;

/// The values of variables by their names.
pub type Bindings = BTreeMap<String, Scalar>;

/// Parts of a file that are not substituted: they define the variables.
pub(super) const LITERAL: [&str; 4] = ["name", "variables", "matrix", "without_fault"];

/// Fills `bindings` into every text of `document` outside of [`LITERAL`]. Names that are used are
/// added to `used`; unknown ones become problems and stay as they are.
pub(super) fn substitute(
    document: &Value,
    bindings: &Bindings,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> Value {
    let mut filling = Filling { bindings, used, problems };
    match document {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| {
                let literal = LITERAL.contains(&key.as_str());
                let value = if literal { value.clone() } else { filling.fill(value, &Pointer::root().key(key)) };
                (key.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

struct Filling<'a> {
    bindings: &'a Bindings,
    used: &'a mut BTreeSet<String>,
    problems: &'a mut Problems,
}

impl Filling<'_> {
    fn fill(&mut self, value: &Value, at: &Pointer) -> Value {
        match value {
            Value::String(text) => self.text(text, at),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.fill(item, &at.item(index))).collect()
            }
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), self.fill(value, &at.key(key)))).collect()
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str, at: &Pointer) -> Value {
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
            && !name.contains(['{', '}'])
        {
            return self.lookup(name, at).map_or_else(|| text.into(), |scalar| scalar.0.clone());
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(escaped) = before.strip_suffix('$') {
                filled.push_str(escaped);
                filled.push_str("${");
                rest = after;
                continue;
            }
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                self.problems.add(
                    Problem::at_value(at, "`${` without `}`")
                        .label("a variable begins here and does not end")
                        .help("write `${name}`, or `$${` for a literal `${`"),
                );
                return text.into();
            };
            match self.lookup(name, at) {
                Some(scalar) => filled.push_str(&scalar.to_string()),
                None => return text.into(),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled.into()
    }

    fn lookup(&mut self, name: &str, at: &Pointer) -> Option<&Scalar> {
        let found = self.bindings.get(name);
        if found.is_some() {
            self.used.insert(name.to_owned());
        } else {
            let known = self.bindings.keys().map(String::as_str);
            let problem = Problem::at_value(at, format!("unknown variable `{name}`")).label("used here");
            if self.bindings.is_empty() {
                self.problems.add(problem.help("the file has no `variables`; `$${` stands for a literal `${`"));
            } else {
                self.problems.add_misspelt(problem, name, "known variables", known);
            }
        }
        found
    }
}

/// Every combination of the matrix's values; one empty combination without a matrix.
pub(super) fn combinations(matrix: &BTreeMap<String, Vec<Scalar>>) -> Vec<Bindings> {
    matrix.iter().fold(vec![Bindings::new()], |combinations, (name, values)| {
        combinations
            .iter()
            .flat_map(|combination| {
                values.iter().map(|value| {
                    let mut extended = combination.clone();
                    extended.insert(name.clone(), value.clone());
                    extended
                })
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn fill(text: &str, bindings: &Bindings) -> (Value, Problems) {
        let mut problems = Problems::new();
        let document = json!({ "description": text });
        let filled = substitute(&document, bindings, &mut BTreeSet::new(), &mut problems);
        (filled["description"].clone(), problems)
    }

    fn bindings(entries: Value) -> Bindings {
        serde_json::from_value(entries).unwrap()
    }

    /// Values become text in longer texts, and keep their type when alone.
    #[rstest]
    #[case("${n}", json!(4))]
    #[case("${t}", json!("text"))]
    #[case("${b}", json!(true))]
    #[case("a ${n}-${t}!", json!("a 4-text!"))]
    #[case("${n}${n}", json!("44"))]
    #[case("$${n}", json!("${n}"))]
    #[case("cost: $5 {n}", json!("cost: $5 {n}"))]
    fn variables_in_texts_are_substituted(#[case] text: &str, #[case] expected: Value) {
        let bindings = bindings(json!({"n": 4, "t": "text", "b": true}));
        assert_eq!(fill(text, &bindings), (expected, Problems::new()));
    }

    /// An unknown variable must not pass as text.
    #[rstest]
    #[case("${m}")]
    #[case("a ${m}")]
    #[case("${n")]
    fn mistakes_are_problems(#[case] text: &str) {
        let (filled, problems) = fill(text, &bindings(json!({"n": 4})));
        assert_eq!(problems.len(), 1);
        assert_eq!(filled, text, "the text stays, for messages");
    }

    fn scalars() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            any::<bool>().prop_map(|value| Scalar(value.into())),
            any::<i64>().prop_map(|value| Scalar(value.into())),
            "[^$]{0,12}".prop_map(|value| Scalar(value.into())),
        ]
    }

    proptest! {
        /// A text that is only a variable takes its value, including its type.
        #[test]
        fn a_lone_variable_keeps_its_type(value in scalars()) {
            let bindings = Bindings::from([("x".to_owned(), value.clone())]);
            prop_assert_eq!(fill("${x}", &bindings).0, value.0);
        }

        /// Texts without variables do not change.
        #[test]
        fn texts_without_variables_do_not_change(text in "[^$]*") {
            prop_assert_eq!(fill(&text, &Bindings::new()), (Value::from(text), Problems::new()));
        }

        /// The number of combinations is the product of the lists, and no two are the same.
        #[test]
        fn combinations_are_complete_and_distinct(sizes in prop::collection::vec(1_usize..4, 0..4)) {
            let matrix: BTreeMap<_, _> = sizes
                .iter()
                .enumerate()
                .map(|(index, size)| (format!("v{index}"), (0..*size).map(|value| Scalar(value.into())).collect()))
                .collect();
            let all = combinations(&matrix);
            let distinct: BTreeSet<_> = all.iter().map(|combination| format!("{combination:?}")).collect();
            prop_assert_eq!(all.len(), sizes.iter().product::<usize>());
            prop_assert_eq!(distinct.len(), all.len());
            prop_assert_eq!(all, combinations(&matrix), "the same every time");
        }
    }
}
