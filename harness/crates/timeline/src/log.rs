//! Log lines of components as timeline entries.

use std::borrow::Cow;

use hourglass_component::{
    events::{Reporter, TaskEvent},
    text::{behind_colours, without_colours},
};
use hourglass_proto::messages::parse_task_hash;
use hourglass_scenario::ComponentRef;
use jiff::Timestamp;
use serde_json::{Deserializer, Map, Value};

use super::{Event, Level, Line, Source, beginning};

/// The entries for a line of output, as described at [`parse_line`]. If a record is too long to be kept, its beginning
/// counts; its message states how much is missing.
pub fn parse(component: &ComponentRef, line: &Line) -> Vec<Event> {
    let arrived = line.began.unwrap_or_else(Timestamp::now);
    let mut events = entries(component, line, arrived, |own| *own <= arrived);
    if line.dropped > 0
        && let Some(last) = events.last_mut()
    {
        let remark = format!(" … (cut: {} more bytes of this line are left out)", line.dropped);
        last.message.push_str(&remark);
    }
    events
}

/// The entry for a line of output: a JSON record by its fields, anything else as its text.
///
/// The fields are those of the harness's components or, for a user's programs, of the public ones: `ts`, `msg` and
/// `taskId`. A record without a time of its own gets its time of arrival, and so does one whose own time is after that: the harness
/// decides by times what a component has logged before it was told to end, and reads a flood of output late. Here any time is
/// believed. A task event counts only from the component that may report it. A performer's statements about tasks do not count, and
/// stay among the fields of the entry. A line may have several records, whose writers did not separate them; here the first counts.
pub fn parse_line(component: &ComponentRef, line: &str) -> Event {
    let line = Line { text: line.to_owned(), dropped: 0, began: None, gap: false };
    entries(component, &line, Timestamp::now(), |_| true).swap_remove(0)
}

/// One entry at least. The time of a record is that of its arrival unless its own is `believed`.
fn entries(
    component: &ComponentRef,
    line: &Line,
    arrived: Timestamp,
    believed: impl Fn(&Timestamp) -> bool,
) -> Vec<Event> {
    let record = |record| entry(component, record, arrived, &believed);
    let Some(text) = object_in(&line.text) else { return vec![plain(component, &line.text, arrived)] };
    let mut records = Deserializer::from_str(&text).into_iter::<Map<String, Value>>();
    let mut events: Vec<_> = records.by_ref().map_while(Result::ok).map(record).collect();
    let rest = &text[records.byte_offset()..];
    if line.dropped > 0 && rest.trim_start().starts_with('{') {
        events.push(record(beginning::of_record(rest)));
    } else if events.is_empty() {
        events.push(plain(component, &line.text, arrived));
    } else {
        let rest = without_colours(rest);
        if !rest.trim().is_empty() || line.dropped > 0 {
            events.push(plain(component, rest.trim(), arrived));
        }
    }
    events
}

/// The JSON object in a line, if there is one. Only an object is a record; most output is not, and is not inspected
/// further. Some loggers write colours around their records even if there is no terminal.
pub(super) fn object_in(line: &str) -> Option<Cow<'_, str>> {
    let line = line.trim_start_matches('\u{feff}').trim_start();
    let object = behind_colours(line);
    let bare = || if object.len() == line.len() { Cow::Borrowed(object) } else { Cow::Owned(without_colours(object)) };
    object.starts_with('{').then(bare)
}

fn plain(component: &ComponentRef, line: &str, arrived: Timestamp) -> Event {
    Event {
        at: arrived,
        source: Source::Component(component.clone()),
        level: None,
        event: None,
        task_hash: None,
        message: line.to_owned(),
        fields: Map::new(),
    }
}

fn entry(
    component: &ComponentRef,
    mut record: Map<String, Value>,
    arrived: Timestamp,
    believed: impl Fn(&Timestamp) -> bool,
) -> Event {
    let event = event(component, &record);
    if event.is_some() {
        record.remove("event");
    }
    let mut take = |name: &str| match record.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let mut take_either = |ours: &str, public: &str| take(ours).or_else(|| take(public));
    let time = take_either("timestamp", "ts");
    let task_hash = match component {
        ComponentRef::Performer(_) => None,
        ComponentRef::Aggregator | ComponentRef::Executor(_) => take_either("task_hash", "taskId"),
    };
    let message = take_either("message", "msg");
    let level = take("level");
    take("target");
    Event {
        at: time.and_then(|time| time.parse().ok()).filter(believed).unwrap_or(arrived),
        source: Source::Component(component.clone()),
        level: level.and_then(|level| Level::parse(&without_colours(&level))),
        event,
        task_hash: task_hash.and_then(|hash| parse_task_hash(&hash)),
        message: message.unwrap_or_default(),
        fields: record,
    }
}

/// The task event of a record, if this component may report it.
fn event(component: &ComponentRef, record: &Map<String, Value>) -> Option<TaskEvent> {
    let event = record.get("event")?.as_str()?.parse::<TaskEvent>().ok()?;
    let counts = match component {
        ComponentRef::Aggregator => event.reporter() == Reporter::Aggregator,
        ComponentRef::Executor(_) => event.reporter() == Reporter::Executor,
        ComponentRef::Performer(_) => false,
    };
    counts.then_some(event)
}

#[cfg(test)]
mod tests {
    use hourglass_component::keys::H256;

    use super::*;

    fn executor() -> ComponentRef {
        ComponentRef::Executor("alice".to_owned())
    }

    fn only(line: &Line) -> Event {
        let [event] = parse(&executor(), line).try_into().unwrap();
        event
    }

    /// A clock that is wrong must not move an error behind the end of the steps, where errors of users' programs do not count. Arrival
    /// may be later than the end, so that any earlier time is believed.
    #[rstest::rstest]
    #[case::in_time("2026-01-02T03:04:04Z", true)]
    #[case::local_time_as_utc("2026-01-02T05:04:04Z", false)]
    #[case::behind_utc("2026-01-02T02:04:04Z", true)]
    #[case::other_year("2025-01-02T03:04:04Z", true)]
    #[case::no_zone("2026-01-02T03:04:04", false)]
    fn the_time_of_a_record_is_its_own_if_that_can_be(#[case] own: &str, #[case] believed: bool) {
        let began = "2026-01-02T03:04:05Z".parse().ok();
        let text = format!(r#"{{"level":"ERROR","message":"lost","timestamp":"{own}"}}"#);
        let at = only(&Line { text, dropped: 0, began, gap: false }).at;
        assert_eq!(Some(at), if believed { own.parse().ok() } else { began });
    }

    /// Two threads, or a program that ends its records with something else than a line feed.
    #[rstest::rstest]
    #[case::two(r#"{"level":"info","msg":"a"}{"level":"error","msg":"b"}"#, &["a", "b"])]
    #[case::separated(r#"{"level":"error","msg":"a"} , {"level":"info","msg":"b"}"#, &["a", r#", {"level":"info","msg":"b"}"#])]
    #[case::text_behind(r#"{"level":"error","msg":"a"} at main.rs"#, &["a", "at main.rs"])]
    #[case::colour_behind("{\"level\":\"error\",\"msg\":\"a\"}\u{1b}[0m", &["a"])]
    fn each_record_of_a_line_counts(#[case] text: &str, #[case] messages: &[&str]) {
        let line = Line { text: text.to_owned(), dropped: 0, began: None, gap: false };
        let events = parse(&executor(), &line);
        let found: Vec<_> = events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(found, messages);
        assert!(events.iter().any(|event| event.level == Some(Level::Error)), "{events:?}");
    }

    #[test]
    fn the_whole_record_before_a_cut_one_counts() {
        let text = r#"{"level":"error","msg":"a"}{"level":"info","msg":"b"#.to_owned();
        let events = parse(&executor(), &Line { text, dropped: 3, began: None, gap: false });
        let [first, second] = events.try_into().unwrap();
        assert_eq!((first.level, first.message.as_str()), (Some(Level::Error), "a"));
        assert!(second.message.starts_with("b … (cut: 3 more"), "{}", second.message);
    }

    #[test]
    fn a_record_becomes_an_entry_with_its_own_time() {
        let hash = H256::repeat_byte(0xab);
        let line = format!(
            r#"{{"timestamp":"2026-01-02T03:04:05.678Z","level":"WARN","message":"refused","event":"performer_failed",
               "task_hash":"{hash:?}","operator":"0x01","target":"hourglass_executor::tasks"}}"#
        );
        let event = parse_line(&executor(), &line);
        assert_eq!(event.at, "2026-01-02T03:04:05.678Z".parse().unwrap());
        assert_eq!(event.level, Some(Level::Warn));
        assert_eq!(event.event, Some(TaskEvent::PerformerFailed));
        assert_eq!(event.task_hash, Some(hash));
        assert_eq!(event.operator(), Some("0x01"));
        assert_eq!(event.source.to_string(), "executor/alice");
    }

    /// The events that each component may report, written down again: moving one to another component is a decision.
    #[test]
    fn an_event_counts_only_from_the_component_that_may_report_it() {
        let aggregator = [
            "task_observed",
            "task_dispatched",
            "response_accepted",
            "response_rejected",
            "executor_failed",
            "quorum_reached",
            "quorum_unreachable",
            "certificate_submitted",
            "submission_failed",
            "task_expired",
            "task_abandoned",
        ];
        let executor_words = ["performer_started", "performer_finished", "performer_failed", "task_signed"];
        let table: [(ComponentRef, &[&str]); 3] = [
            (ComponentRef::Aggregator, &aggregator),
            (executor(), &executor_words),
            (ComponentRef::performer("alice"), &[]),
        ];
        for (component, words) in table {
            for event in TaskEvent::ALL {
                let line = format!(r#"{{"level":"INFO","message":"m","event":"{event}"}}"#);
                let counted = words.contains(&event.as_str());
                let entry = parse_line(&component, &line);
                assert_eq!(entry.event, counted.then_some(event), "{event} of {component}");
                assert_eq!(entry.fields.contains_key("event"), !counted, "the claim of {component} is kept");
            }
        }
    }

    /// The record stays readable, as its performer's, and is about no task.
    #[test]
    fn a_performers_record_is_its_own_and_about_no_task() {
        let hash = H256::repeat_byte(0xab);
        let performer = ComponentRef::performer("alice");
        let line = format!(
            r#"{{"level":"ERROR","message":"x","event":"task_signed","task_hash":"{hash:?}","taskId":"{hash:?}",
               "target":"hourglass_executor::tasks"}}"#
        );
        let entry = parse_line(&performer, &line);
        assert_eq!((entry.source.to_string().as_str(), entry.level), ("performer/alice", Some(Level::Error)));
        assert_eq!((entry.event, entry.task_hash, entry.message.as_str()), (None, None, "x"));
        assert_eq!(entry.fields["task_hash"], format!("{hash:?}"), "what it claims can be read");
        let imitated = parse_line(&executor(), r#"{"message":"x","target":"hourglass_performer::service"}"#);
        assert_eq!(imitated.source.to_string(), "executor/alice", "a record's own words do not say whose it is");
    }

    /// Without this, errors of the public components would be shown as empty lines, and the fatal ones not at all.
    #[test]
    fn a_record_of_a_public_component_becomes_an_entry_too() {
        let hash = H256::repeat_byte(0xab);
        let line = format!(
            r#"{{"level":"fatal","ts":"2026-01-02T03:04:05.678Z","caller":"executor/run.go:146","msg":"failed",
               "taskId":"{hash:?}","error":"no container"}}"#
        );
        let event = parse_line(&executor(), &line);
        assert_eq!(event.at, "2026-01-02T03:04:05.678Z".parse().unwrap());
        assert_eq!(event.level, Some(Level::Error));
        assert_eq!(event.task_hash, Some(hash));
        assert_eq!(event.message, "failed");
        assert_eq!(event.fields["error"], "no container");
    }

    /// An error must not be missed because its text is long.
    #[test]
    fn the_beginning_of_a_too_long_record_counts() {
        let text = |level: &str| format!(r#"{{"level":"{level}","a":{{"b":[1,{{}}]}},"message":"lost: \u00e4\""#);
        for end in ["", "x", "\\", r"\u", r"\u00e"] {
            let line = Line { text: text("ERROR") + end, dropped: 12, began: None, gap: false };
            let event = only(&line);
            assert_eq!(event.level, Some(Level::Error), "{end:?}");
            let message = event.message.strip_suffix(" … (cut: 12 more bytes of this line are left out)").unwrap();
            assert_eq!(message, if end == "x" { "lost: ä\"x" } else { "lost: ä\"" }, "{end:?}");
        }
        for text in
            [r#"{"level":"ERROR","stack":["a","b"#, r#"{"level":"ERROR","stack":{"a":1,"#, r#"{"level":"ERROR","n":1"#]
        {
            let event = only(&Line { text: text.to_owned(), dropped: 1, began: None, gap: false });
            assert_eq!(event.level, Some(Level::Error), "{text}");
        }
        let dump = only(&Line { text: "xxx".to_owned(), dropped: 1, began: None, gap: false });
        assert_eq!((dump.level, dump.message.starts_with("xxx … (cut")), (None, true));
    }

    #[test]
    fn a_line_without_a_timestamp_has_the_time_of_its_beginning() {
        let began = "2026-01-02T03:04:05Z".parse().ok();
        for text in ["working", r#"{"level":"ERROR","message":"lost"}"#] {
            let line = Line { text: text.to_owned(), dropped: 0, began, gap: false };
            assert_eq!(Some(only(&line).at), began, "{text}");
        }
    }

    /// A record that is cut lacks its rest, and the end of its colour.
    #[test]
    fn a_cut_record_in_colours_is_parsed() {
        let text = "\u{1b}[31m{\"level\":\"error\",\"message\":\"x".to_owned();
        let line = Line { text, dropped: 9, began: None, gap: false };
        assert_eq!(only(&line).level, Some(Level::Error));
    }

    /// An error must not be missed because it is red.
    #[rstest::rstest]
    #[case::colours("\u{1b}[31m{\"level\":\"error\",\"message\":\"x\"}\u{1b}[0m")]
    #[case::colours_and_blanks("  \u{1b}[1;31m {\"level\":\"error\",\"message\":\"x\"}\u{1b}[0m\r")]
    #[case::byte_order_mark("\u{feff}{\"level\":\"error\",\"message\":\"x\"}")]
    fn a_record_between_escape_codes_is_parsed(#[case] line: &str) {
        let event = parse_line(&executor(), line);
        assert_eq!((event.level, event.message.as_str()), (Some(Level::Error), "x"));
    }

    #[test]
    fn other_output_is_kept_unchanged() {
        let event = parse_line(&executor(), "thread 'main' panicked at src/main.rs:1:1:");
        assert_eq!(event.message, "thread 'main' panicked at src/main.rs:1:1:");
        assert_eq!(event.level, None);
    }
}
