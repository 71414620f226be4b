//! Bounds how much of one component's output the timeline holds. A component that writes more costs the harness no
//! memory; entries that are left out are counted, and reported if the verdict depends on them.

use serde_json::Value;

use super::{Event, LastLines, Level};

/// Lines and records that report neither a task event nor an error, in bytes of memory for each component.
pub const PLAIN_LIMIT: usize = 4 << 20;
/// ERROR records, in bytes of memory for each component.
pub const ERROR_LIMIT: usize = 8 << 20;
/// Records of task events, in bytes of memory for each component: those of some 50,000 tasks.
pub const TASK_EVENT_LIMIT: usize = 64 << 20;

/// The timeline's data about one component.
#[derive(Debug, Default)]
pub(super) struct Share {
    plain: usize,
    errors: usize,
    task_events: usize,
    /// Its last lines, whether or not the timeline holds them.
    pub(super) last: LastLines,
    /// The entries that the timeline does not hold.
    pub(super) left_out: LeftOut,
}

/// The entries of a component that the timeline does not hold.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Lines and records that no verdict depends on.
    pub(super) plain: u64,
    /// ERROR records.
    pub(super) errors: u64,
    /// Records of task events.
    pub(super) task_events: u64,
    /// Whether a part of its output was not read.
    pub(super) unread: bool,
}

impl Share {
    /// Whether there is space for an entry; an entry without space is counted.
    pub(super) fn admits(&mut self, event: &Event) -> bool {
        let (held, limit, left_out) = if event.event.is_some() {
            (&mut self.task_events, TASK_EVENT_LIMIT, &mut self.left_out.task_events)
        } else if event.level == Some(Level::Error) {
            (&mut self.errors, ERROR_LIMIT, &mut self.left_out.errors)
        } else {
            (&mut self.plain, PLAIN_LIMIT, &mut self.left_out.plain)
        };
        let weight = weight(event);
        if *held + weight > limit {
            *left_out += 1;
            return false;
        }
        *held += weight;
        true
    }

    /// Whether there is no space even for the shortest line.
    pub(super) fn is_full(&self) -> bool {
        self.plain + size_of::<Event>() >= PLAIN_LIMIT
    }
}

impl LeftOut {
    /// Whether the verdict depends on an entry that is left out.
    pub(super) fn is_judged_by(self) -> bool {
        self.errors > 0 || self.task_events > 0 || self.unread
    }

    /// A description; `None` if nothing is left out.
    pub(super) fn text(self) -> Option<String> {
        let count = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let parts = [
            count(self.plain, "lines"),
            count(self.errors, "ERROR records"),
            count(self.task_events, "records of task events"),
            self.unread.then(|| "a part of its output, which came faster than it could be read".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The approximate size of an entry in memory.
fn weight(event: &Event) -> usize {
    let fields = event.fields.iter().map(|(name, value)| size_of::<(String, Value)>() + name.len() + text_in(value));
    size_of::<Event>() + event.message.len() + fields.sum::<usize>()
}

fn text_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + text_in(value)).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| size_of::<(String, Value)>() + name.len() + text_in(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
