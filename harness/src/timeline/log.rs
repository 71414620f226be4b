//! Log lines of components as timeline entries.

use hourglass_component::events::TaskEvent;
use hourglass_proto::messages::parse_task_hash;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Event, Level, Source};
use crate::scenario::ComponentRef;

/// What a line of an executor's output is by, when its target begins so: a performer writes into its executor's output.
const PERFORMER_TARGET: &str = "hourglass_performer";

/// The entry that a line of output stands for: a JSON record by its fields, anything else as its text.
///
/// The fields are those of our components or, for programs of the user's, of the public ones: `ts`, `msg` and `taskId`.
/// A record without a time of its own happened when it arrived.
pub fn parse_line(component: &ComponentRef, line: &str) -> Event {
    let arrived = Timestamp::now();
    let Ok(Value::Object(mut record)) = serde_json::from_str::<Value>(line) else {
        return Event {
            at: arrived,
            source: Source::Component(component.clone()),
            level: None,
            event: None,
            task_hash: None,
            message: line.to_owned(),
            fields: Map::new(),
        };
    };
    let mut take = |name: &str| match record.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let mut take_either = |ours: &str, public: &str| take(ours).or_else(|| take(public));
    let time = take_either("timestamp", "ts");
    let task_hash = take_either("task_hash", "taskId");
    let message = take_either("message", "msg");
    let source = match (component, take("target")) {
        (ComponentRef::Executor(name), Some(target)) if target.starts_with(PERFORMER_TARGET) => {
            ComponentRef::Performer(name.clone())
        }
        _ => component.clone(),
    };
    Event {
        at: time.and_then(|time| time.parse().ok()).unwrap_or(arrived),
        source: Source::Component(source),
        level: take("level").and_then(|level| Level::parse(&level)),
        event: take("event").and_then(|event| event.parse::<TaskEvent>().ok()),
        task_hash: task_hash.and_then(|hash| parse_task_hash(&hash)),
        message: message.unwrap_or_default(),
        fields: record,
    }
}

#[cfg(test)]
mod tests {
    use hourglass_component::keys::H256;

    use super::*;

    fn executor() -> ComponentRef {
        ComponentRef::Executor("alice".to_owned())
    }

    #[test]
    fn a_record_becomes_an_entry_with_its_own_time() {
        let hash = H256::repeat_byte(0xab);
        let line = format!(
            r#"{{"timestamp":"2026-01-02T03:04:05.678Z","level":"WARN","message":"refused","event":"executor_failed",
               "task_hash":"{hash:?}","operator":"0x01","target":"hourglass_executor::tasks"}}"#
        );
        let event = parse_line(&executor(), &line);
        assert_eq!(event.at, "2026-01-02T03:04:05.678Z".parse().unwrap());
        assert_eq!(event.level, Some(Level::Warn));
        assert_eq!(event.event, Some(TaskEvent::ExecutorFailed));
        assert_eq!(event.task_hash, Some(hash));
        assert_eq!(event.operator(), Some("0x01"));
        assert_eq!(event.source.to_string(), "executor/alice");
    }

    #[test]
    fn a_performers_record_is_not_taken_for_its_executors() {
        let event =
            parse_line(&executor(), r#"{"level":"ERROR","message":"x","target":"hourglass_performer::service"}"#);
        assert_eq!(event.source.to_string(), "performer/alice");
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

    #[test]
    fn other_output_is_kept_as_it_is() {
        let event = parse_line(&executor(), "thread 'main' panicked at src/main.rs:1:1:");
        assert_eq!(event.message, "thread 'main' panicked at src/main.rs:1:1:");
        assert_eq!(event.level, None);
    }
}
