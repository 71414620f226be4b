//! The JSON Schema of scenario files, for editors.
//!
//! It accepts `${name}` wherever loading fills variables in; the schema that checks a file afterwards does not.

use hourglass_component::document::{DocumentError, Schema};
use serde_json::{Map, Value, json};

use super::model::ScenarioDocument;
use super::project::ProjectDocument;
use super::variables::LITERAL;

/// The text of the schema file of project files, with a newline at its end.
pub fn project_schema_text() -> Result<String, DocumentError> {
    let schema = Schema::<ProjectDocument>::new()?.json().clone();
    Ok(format!("{schema:#}\n"))
}

/// The text of the schema file of scenarios, with a newline at its end.
pub fn schema_text() -> Result<String, DocumentError> {
    let mut schema = Schema::<ScenarioDocument>::new()?.json().clone();
    if let Some(properties) = schema["properties"].as_object_mut() {
        for (name, node) in properties {
            if !LITERAL.contains(&name.as_str()) {
                admit_variables(node);
            }
        }
    }
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.values_mut().for_each(admit_variables);
        // When a file is loaded, what comes from outside is already in its place.
        if let Some(Value::Array(kinds)) = definitions.get_mut("DefaultValue").map(|value| &mut value["type"]) {
            kinds.push("null".into());
        }
    }
    Ok(format!("{schema:#}\n"))
}

fn admit_variables(node: &mut Value) {
    let Some(entries) = node.as_object_mut() else {
        return;
    };
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = entries.get_mut(key) {
            admit_variables(inner);
        }
    }
    if let Some(Value::Object(properties)) = entries.get_mut("properties") {
        properties.values_mut().for_each(admit_variables);
    }
    if refuses_variables(entries) {
        let mut outer = Map::new();
        for key in ["title", "description", "default"] {
            if let Some(value) = entries.remove(key) {
                outer.insert(key.to_owned(), value);
            }
        }
        let variable = json!({ "type": "string", "pattern": r"\$\{[a-z][a-z0-9_]*\}" });
        outer.insert("anyOf".to_owned(), json!([entries, variable]));
        *node = Value::Object(outer);
    }
}

fn refuses_variables(node: &Map<String, Value>) -> bool {
    match node.get("type").and_then(Value::as_str) {
        Some("integer" | "number" | "boolean") => true,
        Some("string") => node.contains_key("enum") || node.contains_key("pattern"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_component::document::Tree;
    use rstest::rstest;

    use super::*;

    fn editor() -> jsonschema::Validator {
        let schema: Value = serde_json::from_str(&schema_text().unwrap()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    }

    /// An editor must not mark a file that loads: this includes the committed scenarios with their variables.
    #[test]
    fn editors_accept_the_committed_scenarios() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
        let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        let files = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        let mut count = 0;
        for path in files {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.starts_with("# yaml-language-server: $schema=../harness/schema/scenario.json\n"), "{path:?}");
            let tree = Tree::parse("scenario", text).unwrap();
            let errors: Vec<_> = editor().iter_errors(tree.value()).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{path:?}: {errors:?}");
            count += 1;
        }
        assert!(count >= 11, "the scenarios were found");
    }

    /// A variable without a value is given when the scenario runs.
    #[test]
    fn editors_accept_variables_without_values() {
        for (value, good) in [("", true), ("3", true), ("[3]", false)] {
            let text = format!(
                "name: a\ndescription: A.\nvariables:\n  blocks: {value}\nsteps:\n  - mine: {{blocks: \"${{blocks}}\"}}\n"
            );
            let tree = Tree::parse("scenario", text).unwrap();
            assert_eq!(editor().is_valid(tree.value()), good, "{value}");
        }
    }

    /// An editor marks a file that does not load, and accepts a variable in place of a value.
    #[rstest]
    #[case("mine: {blocks: 3}", true)]
    #[case("mine: {blocks: \"${blocks}\"}", true)]
    #[case("mine: {blocks: many}", false)]
    #[case("mine: {chain: \"${chain}\"}", true)]
    #[case("mine: {chain: l3}", false)]
    #[case("warp: {by: \"${minutes}m\"}", true)]
    #[case("warp: {by: soon}", false)]
    #[case("parallel: [{mien: {}}]", false)]
    fn editors_mark_mistakes(#[case] step: &str, #[case] good: bool) {
        let text = format!("name: a\ndescription: A.\nsteps:\n  - {step}\n");
        let tree = Tree::parse("scenario", text).unwrap();
        assert_eq!(editor().is_valid(tree.value()), good, "{step}");
    }
}
