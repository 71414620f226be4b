//! What a schema accepts, in words.

use serde_json::Value;

/// What a node of the schema accepts: `integer from 0 to 10000, or a variable`.
pub(super) fn accepted(node: &Value, schema: &Value) -> String {
    let choices = ["anyOf", "oneOf"].into_iter().find_map(|key| node[key].as_array());
    if let Some(place) = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return schema.pointer(place).map_or_else(String::new, |found| accepted(found, schema));
    }
    if let Some(choices) = choices {
        let (variables, choices): (Vec<_>, Vec<_>) = choices.iter().partition(|choice| is_variable(choice));
        let words = || choices.iter().map(|choice| accepted(choice, schema)).collect::<Vec<_>>().join(" or ");
        let variable = if variables.is_empty() { "" } else { ", or a variable `${name}`" };
        return format!("{}{variable}", node["title"].as_str().map_or_else(words, str::to_owned));
    }
    if let Some(constant) = node.get("const") {
        return format!("`{}`", plain(constant));
    }
    if let Some(values) = node["enum"].as_array() {
        return values.iter().map(|value| format!("`{}`", plain(value))).collect::<Vec<_>>().join(" or ");
    }
    match &node["type"] {
        Value::String(kind) => of_type(kind, node, schema),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .map(|kind| of_type(kind, node, schema))
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "anything".to_owned(),
    }
}

fn of_type(kind: &str, node: &Value, schema: &Value) -> String {
    match kind {
        "array" => format!("list of {}", accepted(&node["items"], schema)),
        "object" if node["additionalProperties"].is_object() => {
            format!("mapping of names to {}", accepted(&node["additionalProperties"], schema))
        }
        "object" => "mapping".to_owned(),
        "string" => node["title"].as_str().unwrap_or("text").to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "null" => "nothing".to_owned(),
        kind => match (node.get("minimum"), node.get("maximum")) {
            (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
            (Some(least), None) => format!("{kind} from {least}"),
            (None, Some(most)) => format!("{kind} up to {most}"),
            (None, None) => kind.to_owned(),
        },
    }
}

/// The alternative that stands for a variable.
fn is_variable(choice: &Value) -> bool {
    choice["pattern"].as_str().is_some_and(|pattern| pattern.starts_with(r"\$\{"))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[rstest::rstest]
    #[case(json!({"type": "integer", "minimum": 0, "maximum": 9}), "integer from 0 to 9")]
    #[case(json!({"type": "number", "minimum": 0.5}), "number from 0.5")]
    #[case(json!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"\$\{[a-z]\}"}]}), "`true` or `false`, or a variable `${name}`")]
    #[case(json!({"type": "array", "items": {"$ref": "#/$defs/Name"}}), "list of operator name")]
    #[case(json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}}), "mapping of names to text or nothing")]
    #[case(json!({"title": "hex", "anyOf": [{"type": "string"}, {"type": "string", "pattern": r"\$\{[a-z]\}"}]}), "hex, or a variable `${name}`")]
    #[case(json!({"enum": ["l1", "l2"]}), "`l1` or `l2`")]
    #[case(json!({"oneOf": [{"const": "l1"}, {"const": "l2"}]}), "`l1` or `l2`")]
    fn schemas_are_put_in_words(#[case] node: Value, #[case] expected: &str) {
        let schema = json!({"$defs": {"Name": {"type": "string", "title": "operator name"}}});
        assert_eq!(accepted(&node, &schema), expected);
    }
}
