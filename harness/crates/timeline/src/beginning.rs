//! The content of a JSON object's beginning, if the rest of it is missing.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

/// The complete fields before the cut, and the text of one that the cut goes through.
pub(super) fn of_record(text: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for end in ["\"}", "}", ""] {
        let mut found = Map::new();
        let closed = format!("{}{end}", without_part_of_escape(text));
        // The parse error at the end is expected: the object was cut.
        let _ = Deserializer::from_str(&closed).deserialize_map(Fields(&mut found));
        if found.len() > fields.len() {
            fields = found;
        }
    }
    fields
}

/// A cut escape sequence would make the text before it unreadable.
fn without_part_of_escape(text: &str) -> &str {
    let Some(start) = text.rfind('\\') else { return text };
    let slashes = text[..=start].bytes().rev().take_while(|byte| *byte == b'\\').count();
    let rest = &text[start + 1..];
    let is_whole = match rest.strip_prefix('u') {
        Some(digits) => digits.len() >= 4,
        None => !rest.is_empty(),
    };
    // An even number of them is text.
    if is_whole || slashes % 2 == 0 { text } else { &text[..start] }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            self.0.insert(name, value);
        }
        Ok(())
    }
}
