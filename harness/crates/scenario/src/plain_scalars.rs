//! Scalars without quotes in a file: either text as it is written, or refused; never changed silently.
//!
//! YAML reads `0x10` as 16 and `3.10` as 3.1. The value of an environment variable is always text, so it stays as it is
//! written in the file. A variable of the scenario may be used as a number in one place and as text in another, so it
//! must be written in the standard form of the number.

use hourglass_component::document::{Pointer, Problem, Problems, Tree};
use serde_json::{Map, Value};

/// The document with the values of all environments and arguments of builds as they are written in the file.
pub(super) fn environments_as_written(tree: &Tree) -> Tree {
    let mut value = tree.value().clone();
    let components = components(tree.value());
    let of_components = components.iter().flat_map(|at| [at.key("environment"), at.key("build").key("args")]);
    for at in of_components.chain(environments_of_commands(tree.value())) {
        let Some(environment) = value.pointer_mut(at.as_str()).and_then(Value::as_object_mut) else { continue };
        for (name, value) in environment {
            if matches!(value, Value::Number(_) | Value::Bool(_))
                && let Some(text) = tree.written(&at.key(name))
            {
                *value = text.into();
            }
        }
    }
    tree.with_value(value)
}

/// The environments of the commands of a project file.
fn environments_of_commands(document: &Value) -> Vec<Pointer> {
    let commands = document["prepare"].as_array().map_or(0, Vec::len);
    (0..commands).map(|index| Pointer::root().key("prepare").item(index).key("environment")).collect()
}

/// Adds a problem for each value of a variable that would become another text.
pub(super) fn check_variables(tree: &Tree, problems: &mut Problems) {
    for section in ["variables", "without_fault", "matrix"] {
        let at = Pointer::root().key(section);
        for (name, value) in entries(&tree.value()[section]) {
            let at = at.key(name);
            match value {
                Value::Array(values) if section == "matrix" => {
                    for (index, value) in values.iter().enumerate() {
                        changed(tree, value, &at.item(index), problems);
                    }
                }
                value => changed(tree, value, &at, problems),
            }
        }
    }
}

fn changed(tree: &Tree, value: &Value, at: &Pointer, problems: &mut Problems) {
    let (Value::Number(_) | Value::Bool(_), Some(written)) = (value, tree.written(at)) else { return };
    let read = value.to_string();
    if read != written {
        problems.add(
            Problem::at_value(at, format!("`{}` is read as {read}", shortened(written)))
                .label("another text than is written")
                .help(format!("put it in quotes to have the text, or write `{read}`")),
        );
    }
}

fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(100)).unwrap_or(text)
}

/// The positions of components, as far as the document has the expected shape.
fn components(document: &Value) -> Vec<Pointer> {
    let at = Pointer::root().key("components");
    let mut places: Vec<_> = entries(&document["components"]).map(|(name, _)| at.key(name)).collect();
    let at = Pointer::root().key("topology");
    let topology = &document["topology"];
    let mut performers = |topology: &Value, at: &Pointer| {
        let operators = topology["operators"].as_array().map_or(0, Vec::len);
        places.extend((0..operators).map(|index| at.key("operators").item(index).key("performer")));
    };
    performers(topology, &at);
    for (index, avs) in topology["avss"].as_array().into_iter().flatten().enumerate() {
        performers(avs, &at.key("avss").item(index));
    }
    places
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::{Loader, Scenario};

    const STEPS: &str = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";

    fn load(rest: &str) -> Result<Scenario, Vec<String>> {
        let text = format!("name: written\ndescription: A test's own.\n{rest}{STEPS}");
        match Loader::new().unwrap().parse(Path::new("written.yaml"), text) {
            Ok(file) => Ok((*file.variants[0].scenario).clone()),
            Err(error) => Err(error.reports().iter().map(hourglass_component::document::Report::one_line).collect()),
        }
    }

    /// A program would silently get a rounded version, or a key or a permission in another base.
    #[rstest]
    fn environment_values_stay_as_written(
        #[values(
            "0",
            "4",
            "-0",
            "+1",
            "0x10",
            "0X10",
            "0o17",
            "0755",
            "010",
            "3.10",
            "1e3",
            "1E+3",
            ".5",
            "5.",
            "1_000",
            "12345678901234567890123",
            "18446744073709551615",
            "9223372036854775808",
            "0.0000001",
            "1000000000000000000.0",
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "1e999",
            ".inf",
            "-.INF",
            ".nan",
            "true",
            "True",
            "FALSE",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "2026-01-01",
            "12:30:45",
            "1:20",
            "~x",
            "<<",
            "=",
            "2026-01-01T00:00:00Z"
        )]
        text: &str,
    ) {
        let environment = format!("environment: {{V: {text}, ALSO: \"{text}\"}}");
        for rest in [
            format!(
                "components: {{performer: {{{environment}}}, executor: {{{environment}}}, aggregator: {{{environment}}}}}\n"
            ),
            format!("topology: {{operators: [{{name: a}}, {{name: b, performer: {{{environment}}}}}]}}\n"),
        ] {
            let scenario = load(&rest).unwrap();
            let components = &scenario.components;
            let all = [&components.performer, &components.executor, &components.aggregator]
                .into_iter()
                .chain(scenario.topology.operators.iter().map(|operator| &operator.performer));
            let set: Vec<_> = all.map(|component| &component.environment).filter(|all| !all.is_empty()).collect();
            assert!(!set.is_empty());
            for environment in set {
                assert_eq!(environment["V"], text);
                assert_eq!(environment["ALSO"], text);
            }
        }
    }

    /// What surrounds a value is not part of it, whatever ends the line.
    #[rstest]
    #[case("\n")]
    #[case("   \n")]
    #[case("\t# sixteen\n")]
    #[case("   # é: 0x11\n\n")]
    #[case("\r\n")]
    fn text_around_a_value_is_not_part_of_it(#[case] end: &str) {
        let rest = format!("components:\n  performer:\n    environment:\n      é: 0x10{end}      W: 3.10{end}");
        let environment = &load(&rest).unwrap().components.performer.environment;
        assert_eq!((&*environment["é"], &*environment["W"]), ("0x10", "3.10"));
    }

    /// A value that becomes null is not text either.
    #[rstest]
    #[case("~", "found `~`, which is nothing", "put the value in quotes")]
    #[case("null", "found `null`, which is nothing", "put the value in quotes")]
    #[case("NULL", "found `NULL`, which is nothing", "put the value in quotes")]
    #[case("", "found nothing", "write `\"\"` for an empty text")]
    fn null_values_are_refused_in_environments(#[case] text: &str, #[case] found: &str, #[case] help: &str) {
        let problems = load(&format!("components: {{performer: {{environment: {{V: {text}}}}}}}\n")).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(found) && problems[0].contains(help), "{problems:?}");
    }

    /// A variable keeps its type, so its text must be the standard text of that type.
    #[rstest]
    fn variables_that_would_change_are_refused(
        #[values("0x10", "0755", "3.10", "1e3", "+1", "-0", "5.", "True", "12345678901234567890123", "0o17")]
        text: &str,
    ) {
        for rest in [
            format!("variables: {{v: {text}}}\n"),
            format!("variables: {{v: a}}\nwithout_fault: {{v: {text}}}\n"),
            format!("matrix: {{v: [a, {text}]}}\n"),
        ] {
            let problems =
                load(&format!("{rest}components: {{performer: {{environment: {{V: \"${{v}}\"}}}}}}\n")).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(&format!("`{text}` is read as ")), "{problems:?}");
            assert!(problems[0].contains("put it in quotes"), "{problems:?}");
        }
    }

    #[rstest]
    fn variables_keep_their_written_text(
        #[values(
            "4",
            "-7",
            "3.5",
            "true",
            "no",
            "\"0x10\"",
            "'3.10'",
            "1_000",
            "2026-01-01",
            "9223372036854775807",
            "~x"
        )]
        text: &str,
    ) {
        let rest = format!(
            "variables: {{v: {text}}}\ncomponents: {{performer: {{environment: {{V: \"${{v}}\", W: \"a-${{v}}\"}}}}}}\n"
        );
        let environment = &load(&rest).unwrap().components.performer.environment;
        let text = text.trim_matches(['"', '\'']);
        assert_eq!((&*environment["V"], &*environment["W"]), (text, &*format!("a-{text}")));
    }

    /// In every other text, a scalar of another type is refused, with a remedy.
    #[rstest]
    fn other_texts_need_quotes(
        #[values("4", "0x04", "010", "3.10", "true", "12345678901234567890123", "~")] text: &str,
        #[values(
            "tags: [V]",
            "runtimes_because: V",
            "components: {performer: {command: [sleep, V]}}",
            "components: {performer: {image: V}}",
            "topology: {operators: [{name: V}]}",
            "topology: {mining: V}",
            "topology: {task_sla: V}",
            "invariants: {allowed_errors: [V]}",
            "timeout: V",
            "invariants: {expected_ends: [V]}"
        )]
        place: &str,
    ) {
        let problems = load(&format!("{}\n", place.replace('V', text))).unwrap_err();
        let named = problems.iter().any(|problem| problem.contains(&format!("found the number {text}")))
            || problems.iter().any(|problem| problem.contains(&format!("found `{text}`")));
        assert!(named, "what is written is shown: {problems:?}");
        let remedies = ["in quotes", "add a unit"];
        assert!(problems.iter().any(|problem| remedies.iter().any(|remedy| problem.contains(remedy))), "{problems:?}");
    }

    /// The missing quotes are not where the variable is used.
    #[test]
    fn a_number_of_a_variable_is_put_in_quotes_where_it_is_set() {
        let rest = "variables: {v: 4}\ntags: [\"${v}\"]\n";
        let problems = load(rest).unwrap_err();
        assert!(problems[0].contains("put the value of the variable in quotes, where it is set"), "{problems:?}");
    }

    /// The booleans of other YAML versions are text; they are refused where a boolean is expected.
    #[rstest]
    #[case("yes", "write `true`")]
    #[case("off", "write `false`")]
    #[case("\"true\"", "write it without quotes")]
    fn only_true_and_false_are_booleans(#[case] text: &str, #[case] help: &str) {
        let text = format!(
            "name: written\ndescription: A.\nsteps: [{{create_task: {{payload: \"1\"}}, if: {text}}}, {{expect_verified: {{}}}}]\n"
        );
        let error = Loader::new().unwrap().parse(Path::new("written.yaml"), text).unwrap_err();
        assert!(error.reports().iter().any(|report| report.one_line().contains(help)), "{error:?}");
    }
}
