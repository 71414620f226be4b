//! The timeline of one trial: entries are added by many and awaited by steps.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hourglass_component::{
    keys::{Address, H256},
    timeout::timeout,
};
use jiff::Timestamp;
use tokio::sync::watch;

use super::{Event, LastLines, Source};
use crate::scenario::ComponentRef;

/// The entries of one trial; clones share them.
#[derive(Debug, Clone)]
pub struct Timeline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    events: RwLock<Vec<Event>>,
    /// Operators' names by the addresses that components write.
    operators: RwLock<HashMap<String, String>>,
    count: watch::Sender<usize>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self(Arc::new(Inner { events: RwLock::default(), operators: RwLock::default(), count: watch::channel(0).0 }))
    }
}

impl Timeline {
    /// Lets lines for people call an operator by its name.
    pub fn name_operator(&self, address: Address, name: &str) {
        let mut operators = self.0.operators.write().unwrap_or_else(PoisonError::into_inner);
        operators.insert(format!("{address:?}"), name.to_owned());
    }

    /// The operator that components mean by an address.
    pub fn operator_name(&self, address: &str) -> Option<String> {
        let operators = self.0.operators.read().unwrap_or_else(PoisonError::into_inner);
        operators.get(&address.to_ascii_lowercase()).cloned()
    }

    /// Adds an entry and wakes who waits for one.
    pub fn record(&self, event: Event) {
        let mut events = self.0.events.write().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        let count = events.len();
        drop(events);
        self.0.count.send_replace(count);
    }

    /// Waits until `done` gives an answer; it sees all entries so far, in the order in which they arrived, each time one
    /// is added. Nothing when time runs out, of which only that counts in which this process runs.
    pub async fn wait_until<T>(&self, within: Duration, mut done: impl FnMut(&[Event]) -> Option<T>) -> Option<T> {
        let mut count = self.0.count.subscribe();
        timeout(within, async {
            loop {
                count.borrow_and_update();
                if let Some(answer) = self.read(&mut done) {
                    return Some(answer);
                }
                if count.changed().await.is_err() {
                    return None;
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Asks something about the entries so far, in the order in which they arrived.
    pub fn read<T>(&self, question: impl FnOnce(&[Event]) -> T) -> T {
        question(&self.0.events.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The entries by time.
    pub fn sorted(&self) -> Vec<Event> {
        let mut events = self.read(<[Event]>::to_vec);
        events.sort_by_key(|event| event.at);
        events
    }

    /// The last `count` entries about a task, or about anything when none is named, one line each, times relative to
    /// `since`.
    pub fn last_lines(&self, task: Option<H256>, count: usize, since: Timestamp) -> Vec<String> {
        let events = self.sorted();
        let about: Vec<_> = events.iter().filter(|event| task.is_none() || event.task_hash == task).collect();
        let last = &about[about.len().saturating_sub(count)..];
        let width = last.iter().map(|event| event.source.to_string().len()).max().unwrap_or_default();
        let operators = self.0.operators.read().unwrap_or_else(PoisonError::into_inner);
        last.iter().map(|event| line(event, width, since, &operators)).collect()
    }

    /// The last lines that a component wrote, indented, for errors about it.
    pub fn last_output(&self, component: &ComponentRef) -> String {
        let last = LastLines::default();
        let source = Source::Component(component.clone());
        for event in self.sorted().iter().filter(|event| event.source == source) {
            last.push(&event.message);
        }
        last.to_string()
    }

    /// Writes all entries by time, one JSON object a line.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        for event in self.sorted() {
            serde_json::to_writer(&mut file, &event)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }
}

fn line(event: &Event, width: usize, since: Timestamp, operators: &HashMap<String, String>) -> String {
    let seconds = event.at.duration_since(since).as_secs_f64();
    let word = event.event.map(|event| format!("{event}  ")).unwrap_or_default();
    let operator = event.operator().map(|address| {
        let name = operators.get(&address.to_ascii_lowercase());
        format!("  operator={}", name.map_or(address, String::as_str))
    });
    let operator = operator.unwrap_or_default();
    let error = event.fields.get("error").and_then(|error| error.as_str());
    let error = error.map(|error| format!("  error={error}")).unwrap_or_default();
    format!("{seconds:>8.3}s  {:<width$}  {word}{}{operator}{error}", event.source, event.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        Event::of_harness(message)
    }

    #[tokio::test]
    async fn a_wait_sees_what_was_there_and_what_comes() {
        let timeline = Timeline::default();
        timeline.record(event("first"));
        let waiting = tokio::spawn({
            let timeline = timeline.clone();
            async move {
                let both = |events: &[Event]| (events.len() == 2).then(|| events[1].message.clone());
                timeline.wait_until(Duration::from_secs(10), both).await
            }
        });
        timeline.record(event("second"));
        assert_eq!(waiting.await.unwrap().as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn a_wait_ends_when_time_runs_out() {
        let seen = Timeline::default().wait_until(Duration::from_millis(20), |_| None::<()>).await;
        assert!(seen.is_none());
    }

    #[test]
    fn lines_call_operators_by_name() {
        let timeline = Timeline::default();
        timeline.name_operator(Address::repeat_byte(0xab), "alice");
        let mut signed = event("signed");
        // In mixed case, as some components write addresses.
        signed.fields.insert("operator".to_owned(), format!("0x{}", "aB".repeat(20)).into());
        let start = signed.at;
        timeline.record(signed);
        assert_eq!(timeline.last_lines(None, 1, start), ["   0.000s  harness  signed  operator=alice"]);
    }

    /// Records of components arrive late; the file and the report must show when they were made.
    #[test]
    fn entries_are_shown_by_time() {
        let timeline = Timeline::default();
        let start = Timestamp::now();
        for (message, offset) in [("later", 2), ("earlier", 1)] {
            timeline.record(Event { at: start + jiff::SignedDuration::from_secs(offset), ..event(message) });
        }
        let lines = timeline.last_lines(None, 5, start);
        assert_eq!(lines, ["   1.000s  harness  earlier", "   2.000s  harness  later"]);
    }
}
