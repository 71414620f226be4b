//! Reading back `timeline.jsonl`.

use std::path::Path;

use hourglass_base::{DocumentKind, StoredError};

use super::Event;

const KIND: DocumentKind = DocumentKind {
    name: "line of timeline.jsonl",
    version: 1,
    keys: &["at", "source", "message"],
    remedy: "name the file timeline.jsonl in the folder of a trial",
};

/// The entries in the file `timeline.jsonl` of a trial, in the order of the file.
///
/// Fails with the line that is not an entry.
pub fn read_timeline(path: &Path) -> Result<Vec<Event>, StoredError> {
    let text = DocumentKind::text_of(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(index, line)| KIND.parse(path, index + 1, line)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hourglass_component::{events::TaskEvent, keys::H256};
    use hourglass_scenario::{Chain, ComponentRef};

    use super::*;
    use crate::{Level, Source, Timeline};

    /// Each source, level and optional key.
    fn events() -> Vec<Event> {
        let sources = [
            Source::Harness,
            Source::Chain(Chain::L1),
            Source::Chain(Chain::L2),
            Source::Component(ComponentRef::Aggregator),
            Source::Component(ComponentRef::Executor("alice".to_owned())),
            Source::Component(ComponentRef::performer("harness")),
        ];
        let levels =
            [None, Some(Level::Trace), Some(Level::Debug), Some(Level::Info), Some(Level::Warn), Some(Level::Error)];
        let event = |(source, level): (Source, Option<Level>)| {
            let mut event = Event { source, level, ..Event::of_harness("said\twith \"quotes\"") };
            event.event = level.map(|_| TaskEvent::TaskSigned);
            event.task_hash = level.map(|_| H256::repeat_byte(0xab));
            event.fields.extend(level.map(|_| ("elapsed".to_owned(), 0.25.into())));
            event
        };
        sources.into_iter().zip(levels).map(event).collect()
    }

    #[test]
    fn a_written_timeline_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        let timeline = Timeline::default();
        for event in events() {
            timeline.record(event);
        }
        timeline.write(&path).unwrap();
        assert_eq!(read_timeline(&path).unwrap(), timeline.sorted());
    }

    #[test]
    fn a_line_that_is_no_entry_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        let timeline = Timeline::default();
        for event in events() {
            timeline.record(event);
        }
        timeline.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (wrong, reason) in [
            ("{\"version\":1}", "line 7: it is not a line of timeline.jsonl"),
            ("{\"version\":", "line 7 is not JSON"),
            ("{\"version\":2,\"at\":\"\",\"source\":\"\",\"message\":\"\"}", "line 7: version 2"),
            ("{\"version\":1,\"at\":\"now\",\"source\":\"l1\",\"message\":\"\"}", "line 7: it does not follow"),
            (
                "{\"version\":1,\"at\":\"2026-03-01T12:00:00Z\",\"source\":\"l3\",\"message\":\"\"}",
                "line 7: it does not follow",
            ),
        ] {
            fs::write(&path, format!("{text}{wrong}\n")).unwrap();
            let error = read_timeline(&path).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
