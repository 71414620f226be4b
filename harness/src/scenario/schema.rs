//! The JSON Schema of scenario files, for editors.
//!
//! It admits `${name}` wherever loading fills variables in; the schema by which a file is judged
//! afterwards does not.

use hourglass_component::document::{DocumentError, Schema};
use serde_json::{Map, Value, json};

use super::model::ScenarioDocument;
use super::variables::LITERAL;

/// The text of the schema file, with a newline at its end.
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
