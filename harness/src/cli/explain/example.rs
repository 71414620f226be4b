//! Examples of keys: the shortest of the embedded scenarios, else one that the schema gives.

use hourglass_component::document::{Pointer, Tree};
use hourglass_scenario::BUILTIN;
use serde_json::{Map, Value};

use super::reference::Entry;

/// A longer example is cut.
const LONGEST: usize = 300;

/// The scenarios from which examples are taken.
pub(super) struct Examples(Vec<Tree>);

/// An example, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) text: String,
    pub(super) place: Option<String>,
}

impl Examples {
    pub(super) fn new() -> Self {
        let parse = |(name, text): &(&str, &'static str)| Tree::parse(format!("{BUILTIN}/{name}"), *text).ok();
        Self(hourglass_scenarios::FILES.iter().filter_map(parse).collect())
    }

    /// An example of a key with its value.
    pub(super) fn of(&self, entry: &Entry<'_>, schema: &Value) -> Example {
        let parts: Vec<_> = entry.path.split('.').collect();
        let mut found = Vec::new();
        for tree in &self.0 {
            let mut values = Vec::new();
            collect(tree.value(), &parts, &Pointer::root(), &mut values);
            found.extend(values.into_iter().map(|(value, at)| {
                let place = format!("{}:{}", tree.name(), tree.line(&at));
                (format!("{}: {}", entry.name(), flow(value)), Some(place))
            }));
        }
        // A variable in place of the value says less.
        let best = found.into_iter().min_by_key(|(text, place)| (text.contains("${"), text.len(), place.clone()));
        let (text, place) =
            best.unwrap_or_else(|| (format!("{}: {}", entry.name(), flow(&sample(entry.node, schema))), None));
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => Example { text: format!("{}…", &text[..end]), place },
            None => Example { text, place },
        }
    }
}

/// The values at a path, whatever their places in lists.
fn collect<'a>(value: &'a Value, parts: &[&str], at: &Pointer, found: &mut Vec<(&'a Value, Pointer)>) {
    if let Value::Array(items) = value
        && !parts.is_empty()
    {
        items.iter().enumerate().for_each(|(index, item)| collect(item, parts, &at.item(index), found));
        return;
    }
    match parts {
        [] => found.push((value, at.clone())),
        [key, rest @ ..] => {
            if let Some(inner) = value.get(key) {
                collect(inner, rest, &at.key(key), found);
            }
        }
    }
}

/// A value that a schema accepts.
fn sample(node: &Value, schema: &Value) -> Value {
    if let Some(place) = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'))
        && let Some(found) = schema.pointer(place)
    {
        return sample(found, schema);
    }
    let given = node["examples"].get(0).or_else(|| node.get("const")).or_else(|| node["enum"].get(0));
    if let Some(given) = given.or_else(|| node.get("default").filter(|default| !default.is_null())) {
        return given.clone();
    }
    if let Some(choice) = ["anyOf", "oneOf"].iter().find_map(|key| node[*key].get(0)) {
        return sample(choice, schema);
    }
    let kind = node["type"].as_str().or_else(|| node["type"].get(0)?.as_str());
    match kind {
        Some("integer" | "number") => node.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => true.into(),
        Some("array") => vec![sample(&node["items"], schema)].into(),
        Some("object") => {
            let required = node["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|key| (key.to_owned(), sample(&node["properties"][key], schema))).collect::<Map<_, _>>().into()
        }
        _ => "text".into(),
    }
}

/// A value as YAML in one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text that YAML could read as something else is put in quotes.
fn quoted(text: &str) -> String {
    let starts = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/.".contains(letter));
    let other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if starts && plain && !other.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_example_is_that_of_a_scenario() {
        let entry =
            Entry { path: "steps.kill".to_owned(), pointer: String::new(), node: &Value::Null, target: &Value::Null };
        let example = Examples::new().of(&entry, &Value::Null);
        assert!(example.text.starts_with("kill: {component: "), "{example:?}");
        let place = example.place.unwrap();
        let (file, line) = place.strip_prefix("builtin:/").unwrap().split_once(':').unwrap();
        let (_, text) = hourglass_scenarios::FILES.iter().find(|(name, _)| *name == file).unwrap();
        assert!(text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap().contains("kill:"), "{place}");
    }

    proptest! {
        /// An example can be copied into a file.
        #[test]
        fn a_value_in_one_line_is_read_back(text in "[ -~]{0,12}", number in any::<i32>(), truth in any::<bool>()) {
            let value = serde_json::json!({"a": [text, number], text.clone(): {"b": truth, "c": []}});
            let read = Tree::parse("x", format!("key: {}\n", flow(&value))).unwrap();
            prop_assert_eq!(&read.value()["key"], &value);
        }
    }
}
