//! Events as a readable text, ordered by time.

use std::cmp::Reverse;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;

/// When something happened last.
fn happened(event: &Event) -> Timestamp {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let once = event.event_time.as_ref().map(|time| time.0);
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    series.or(last).or(once).or(first).or(created).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// One line for each event, the oldest first.
pub(super) fn text(events: &[Event]) -> String {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| happened(event));
    events.into_iter().map(|event| line(event) + "\n").collect()
}

/// The latest warnings, the newest first.
pub(super) fn warnings(events: &[Event], most: usize) -> Vec<String> {
    let mut warnings: Vec<_> = events.iter().filter(|event| event.type_.as_deref() == Some("Warning")).collect();
    warnings.sort_by_key(|event| Reverse(happened(event)));
    warnings.truncate(most);
    warnings.into_iter().map(line).collect()
}

fn line(event: &Event) -> String {
    let about = &event.involved_object;
    let kind = about.kind.as_deref().unwrap_or("?").to_lowercase();
    let name = about.name.as_deref().unwrap_or("?");
    let namespace = about.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let count = event.series.as_ref().and_then(|series| series.count).or(event.count).filter(|count| *count > 1);
    let count = count.map(|count| format!(" ({count} times)")).unwrap_or_default();
    let message = event.message.as_deref().unwrap_or_default().trim().replace('\n', " ");
    format!(
        "{:.3}  {:<7}  {kind} {namespace}{name}  {}: {message}{count}",
        happened(event),
        event.type_.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(of: &Value) -> Event {
        let mut event = json!({
            "metadata": { "name": "e", "namespace": "n" },
            "involvedObject": { "kind": "Pod", "namespace": "n", "name": "p" },
        });
        event.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn events_are_ordered_by_time_whichever_field_has_it() {
        let events = [
            json!({ "type": "Warning", "reason": "BackOff", "message": "again", "count": 4,
                "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:09Z" }),
            json!({ "type": "Normal", "reason": "Scheduled", "message": "on a\nnode",
                "eventTime": "2026-01-01T00:00:05.250000Z" }),
        ];
        let events: Vec<_> = events.iter().map(event).collect();
        insta::assert_snapshot!(text(&events), @r"
        2026-01-01T00:00:05.250Z  Normal   pod n/p  Scheduled: on a node
        2026-01-01T00:00:09.000Z  Warning  pod n/p  BackOff: again (4 times)
        ");
        assert_eq!(warnings(&events, 5).len(), 1);
    }
}
