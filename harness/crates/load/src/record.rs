//! What the step `load` writes to the timeline: an entry for each task that it has sent, and one for each that did not end
//! as it must. Everything else about a task is in the entries of chains and components.

use hourglass_base::age;
use hourglass_component::keys::H256;
use hourglass_timeline::{Event, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The field of an entry that holds a [`LoadRecord`].
const FIELD: &str = "load";

/// What the step says about one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// The name of the tasks of the load, its key `as`.
    pub alias: String,
    /// What is said.
    #[serde(flatten)]
    pub what: LoadEvent,
}

/// What happened to a task of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LoadEvent {
    /// Its creation was requested.
    Sent {
        /// Its index, from 0, in the order in which tasks were due.
        index: u64,
        /// Which of the payloads it has, from 0.
        payload: usize,
        /// When it was due: as its rate says or, without a rate, when it was sent.
        due: Timestamp,
        /// When its creation was requested.
        sent: Timestamp,
        /// What came of the request.
        creation: Creation,
        /// Why it was not created, if it was not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The worker that has sent it, from 0; `None` for the harness itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<u32>,
    },
    /// Tasks of a worker were not sent, because it ended before.
    Unsent {
        /// The worker, from 0.
        worker: u32,
        /// The index of the first of them.
        first: u64,
        /// How far the indices of two of them in a row are apart.
        every: u32,
        /// How many there are.
        count: u64,
        /// Why, in words.
        reason: String,
    },
    /// It did not end as it must.
    Missed {
        /// In which way.
        how: Missed,
        /// What was seen, in words.
        seen: String,
    },
}

/// What came of the request to create a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Creation {
    /// The task is on its chain.
    Created,
    /// It is not: the mailbox or the chain refused it.
    Refused,
    /// There was no answer: the load ended before.
    Unanswered,
}

/// How a created task did not end as it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Its deadline on the chain has passed.
    Expired,
    /// It was not verified within the limit of the load, or given up.
    NotVerified,
    /// It was verified, with another result or certificate than it must have.
    Wrong,
}

impl LoadRecord {
    /// The entry of the timeline.
    pub fn event(&self, task: Option<H256>) -> Event {
        let mut event = Event::of_harness(self.message());
        event.task_hash = task;
        // Plain data, which always has a JSON form.
        event.fields.insert(FIELD.to_owned(), serde_json::to_value(self).unwrap_or(Value::Null));
        event
    }

    /// The record in an entry of the timeline, if it has one.
    pub fn of(event: &Event) -> Option<Self> {
        if event.source != Source::Harness {
            return None;
        }
        Self::deserialize(event.fields.get(FIELD)?).ok()
    }

    fn message(&self) -> String {
        let alias = &self.alias;
        match &self.what {
            LoadEvent::Sent { index, due, sent, creation, reason, worker, .. } => {
                let late = age(*due, *sent);
                let outcome = match (creation, reason) {
                    (Creation::Created, _) => "created".to_owned(),
                    (Creation::Refused, Some(reason)) => format!("refused: {reason}"),
                    (Creation::Refused, None) => "refused".to_owned(),
                    (Creation::Unanswered, _) => "not answered before the end of the load".to_owned(),
                };
                let by = worker.map(|worker| format!(" by worker {worker}")).unwrap_or_default();
                let late = late.as_secs_f64() * 1e3;
                format!("{alias} #{} sent{by} {late:.1} ms after it was due, {outcome}", index + 1)
            }
            LoadEvent::Unsent { count, reason, .. } => format!("{alias}: {count} tasks not sent: {reason}"),
            LoadEvent::Missed { how: Missed::Expired, seen } => format!("{alias}: expired: {seen}"),
            LoadEvent::Missed { how: Missed::NotVerified, seen } => format!("{alias}: not verified in time: {seen}"),
            LoadEvent::Missed { how: Missed::Wrong, seen } => format!("{alias}: verified wrongly: {seen}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(creation: Creation, reason: Option<&str>) -> LoadRecord {
        let what = LoadEvent::Sent {
            index: 6,
            payload: 1,
            due: "2026-03-01T12:00:00Z".parse().unwrap(),
            sent: "2026-03-01T12:00:00.0125Z".parse().unwrap(),
            creation,
            reason: reason.map(str::to_owned),
            worker: None,
        };
        LoadRecord { alias: "load".to_owned(), what }
    }

    /// The result of a load is made of the timeline alone, which may have been stored.
    #[test]
    fn a_record_is_read_back_from_its_entry() {
        let missed = LoadEvent::Missed { how: Missed::Expired, seen: "status EXPIRED".to_owned() };
        let missed = LoadRecord { alias: "load".to_owned(), what: missed };
        let unsent = LoadEvent::Unsent { worker: 2, first: 8, every: 3, count: 4, reason: "it was killed".to_owned() };
        let unsent = LoadRecord { alias: "load".to_owned(), what: unsent };
        for record in [sent(Creation::Created, None), sent(Creation::Refused, Some("PayloadIsEmpty")), missed, unsent] {
            let task = Some(H256::repeat_byte(7));
            let event = record.event(task);
            let stored: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            assert_eq!((LoadRecord::of(&stored), stored.task_hash), (Some(record), task), "{}", event.message);
        }
        assert_eq!(LoadRecord::of(&Event::of_harness("step load begins")), None);
    }

    #[test]
    fn an_entry_says_how_late_the_task_was_sent() {
        let event = sent(Creation::Refused, Some("PayloadIsEmpty")).event(None);
        assert_eq!(event.message, "load #7 sent 12.5 ms after it was due, refused: PayloadIsEmpty");
        let mut record = sent(Creation::Created, None);
        if let LoadEvent::Sent { worker, .. } = &mut record.what {
            *worker = Some(1);
        }
        assert_eq!(record.event(None).message, "load #7 sent by worker 1 12.5 ms after it was due, created");
    }
}
