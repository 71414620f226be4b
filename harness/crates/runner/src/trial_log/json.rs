//! The format of a record: one JSON object on a line, with the keys of the components' logs, and the spans around it.

use std::{error::Error, fmt};

use hourglass_component::{
    causes::with_causes,
    text::{cut, safe},
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event,
    field::{Field, Visit},
};

/// The longest text of a field, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// Fields of a record or a span; texts are safe to show.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.0.get(name)?.as_str()?.to_owned())
    }

    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn insert_text(&mut self, field: &Field, text: &str) {
        self.insert(field, cut(&safe(text), LONGEST_TEXT).into_owned());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert_text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert_text(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert_text(field, &with_causes(value));
    }
}

/// A span with its fields.
pub(super) fn span(name: &str, fields: Option<&Fields>) -> Value {
    let mut span = Map::new();
    span.insert("span".to_owned(), name.into());
    span.extend(fields.into_iter().flat_map(|fields| fields.0.clone()));
    span.into()
}

/// A record, with its line feed.
pub(super) fn line(event: &Event<'_>, spans: Vec<Value>) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metadata = event.metadata();
    record(metadata.level().as_str(), fields, metadata.target(), spans)
}

/// A record of the log about itself.
pub(super) fn remark(message: String) -> String {
    let mut fields = Fields::default();
    fields.0.insert("message".to_owned(), message.into());
    record("WARN", fields, module_path!(), Vec::new())
}

fn record(level: &str, fields: Fields, target: &str, spans: Vec<Value>) -> String {
    let mut record = Map::new();
    record.insert("timestamp".to_owned(), format!("{:.6}", Timestamp::now()).into());
    record.insert("level".to_owned(), level.into());
    record.extend(fields.0);
    record.insert("target".to_owned(), target.into());
    record.insert("spans".to_owned(), spans.into());
    let mut line = Value::from(record).to_string();
    line.push('\n');
    line
}
