//! The keys of scenario files and of the project file, as the JSON Schemas have them.

use hourglass_scenario::STEP_KEYS;
use serde_json::{Map, Value};

/// The key of the list of steps.
const STEPS: &str = "steps";

/// All keys of a kind of file.
pub(super) struct Reference<'a> {
    /// The name of the schema's file.
    pub(super) file: &'a str,
    pub(super) schema: &'a Value,
    entries: Vec<Entry<'a>>,
}

/// A key.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Its path, in which places of lists and names of mappings have no part: `topology.operators.weight`, `contracts.artifact`.
    pub(super) path: String,
    /// Where the schema describes it, as a JSON pointer.
    pub(super) pointer: String,
    /// What the schema says of the key.
    pub(super) node: &'a Value,
    /// What the schema says of its value, or of each if it is a list.
    pub(super) target: &'a Value,
}

impl<'a> Reference<'a> {
    pub(super) fn of(file: &'a str, schema: &'a Value) -> Self {
        let mut reference = Self { file, schema, entries: Vec::new() };
        reference.walk("", "", schema, &mut Vec::new());
        reference
    }

    /// Adds the keys of a mapping and of what is below; `within` are the definitions that lead there.
    fn walk(&mut self, path: &str, pointer: &str, mapping: &'a Value, within: &mut Vec<&'a str>) {
        for (key, node) in mapping["properties"].as_object().into_iter().flat_map(Map::iter) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let pointer = format!("{pointer}/properties/{key}");
            let (target, place, definition) = target(self.schema, node, &pointer);
            self.entries.push(Entry { path: path.clone(), pointer, node, target });
            // A step in `parallel` is explained as a step.
            if definition.is_some_and(|name| within.contains(&name)) {
                continue;
            }
            within.extend(definition);
            self.walk(&path, &place, target, within);
            if definition.is_some() {
                within.pop();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The keys directly below a path; those of the whole file below an empty one.
    pub(super) fn below(&self, path: &str) -> Vec<&Entry<'a>> {
        let is_below = |entry: &&Entry<'_>| entry.path.rsplit_once('.').map_or("", |(parent, _)| parent) == path;
        self.entries.iter().filter(is_below).collect()
    }

    pub(super) fn step(&self, key: &str) -> Option<&Entry<'a>> {
        self.at(&format!("{STEPS}.{key}"))
    }

    fn at(&self, path: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// The keys that a topic means: one by its path, else those that end with it.
    pub(super) fn find(&self, topic: &str) -> Vec<&Entry<'a>> {
        let path = normalized(topic);
        let exact = self.at(&path).or_else(|| self.step(&path));
        if let Some(entry) = exact {
            return vec![entry];
        }
        let end = format!(".{path}");
        if path.is_empty() {
            Vec::new()
        } else {
            self.entries.iter().filter(|entry| entry.path.ends_with(&end)).collect()
        }
    }

    /// What can be explained, as people may write it.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        STEP_KEYS.iter().copied().chain(self.entries.iter().map(|entry| entry.path.as_str()))
    }
}

impl Entry<'_> {
    /// The last part of its path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    pub(super) fn description(&self) -> &str {
        self.node["description"].as_str().or_else(|| self.target["description"].as_str()).unwrap_or_default()
    }
}

/// `steps[1].kill` and `/steps/1/kill` are `steps.kill`; a step in `parallel` is a step.
fn normalized(topic: &str) -> String {
    let parts = topic.split(['.', '/', '[', ']']);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty() && part.parse::<usize>().is_err()).collect();
    parts.join(".").replace("parallel.", "")
}

/// What a node says of its value or, of a list or a mapping of names, of each value; where that is; and the name of the definition.
fn target<'a>(schema: &'a Value, node: &'a Value, pointer: &str) -> (&'a Value, String, Option<&'a str>) {
    let reference = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    if let Some(place) = reference
        && let Some(found) = schema.pointer(place)
    {
        let (target, inner, definition) = target(schema, found, place);
        return (target, inner, definition.or_else(|| place.rsplit('/').next()));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(each) = node.get(key).filter(|each| each.is_object()) {
            return target(schema, each, &format!("{pointer}/{key}"));
        }
    }
    (node, pointer.to_owned(), None)
}
