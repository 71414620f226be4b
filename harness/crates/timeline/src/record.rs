//! The timeline of one trial: many sources add entries, and steps wait for them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hourglass_base::Version;
use hourglass_component::{
    keys::{Address, H256},
    text::{cut, safe_json, safe_line},
    timeout::timeout,
};
use hourglass_scenario::ComponentRef;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use super::{Event, LastLines, Line, Source, bounds::Share, log::object_in, parse};

/// How many bytes of an entry a line for people shows.
const SHOWN: usize = 1 << 10;

/// One line of `timeline.jsonl`, the file that a trial which failed leaves behind.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Line of timeline.jsonl")]
pub struct TimelineRecord<'a> {
    version: Version<1>,
    #[serde(flatten)]
    event: &'a Event,
}

/// The entries of one trial; clones share them.
#[derive(Debug, Clone)]
pub struct Timeline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: RwLock<Entries>,
    /// Operators' names by the addresses that components write.
    operators: RwLock<HashMap<String, String>>,
    count: watch::Sender<usize>,
    observer: Option<LineObserver>,
}

/// What receives every line of output of a trial's components when it arrives.
pub type OnLine = dyn Fn(&ComponentRef, &Line) + Send + Sync;

struct LineObserver(Box<OnLine>);

impl fmt::Debug for LineObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LineObserver")
    }
}

#[derive(Debug, Default)]
struct Entries {
    events: Vec<Event>,
    shares: BTreeMap<ComponentRef, Share>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::with_observer(None)
    }
}

impl Timeline {
    /// A timeline that passes each line of output on before it records it. `on_line` must not block.
    pub fn observed_by(on_line: Box<OnLine>) -> Self {
        Self::with_observer(Some(LineObserver(on_line)))
    }

    fn with_observer(observer: Option<LineObserver>) -> Self {
        let (entries, operators) = (RwLock::default(), RwLock::default());
        Self(Arc::new(Inner { entries, operators, count: watch::channel(0).0, observer }))
    }

    /// Sets an operator's name for lines for people.
    pub fn name_operator(&self, address: Address, name: &str) {
        let mut operators = self.0.operators.write().unwrap_or_else(PoisonError::into_inner);
        operators.insert(format!("{address:?}"), name.to_owned());
    }

    /// The operator with an address that components write.
    pub fn operator_name(&self, address: &str) -> Option<String> {
        let operators = self.0.operators.read().unwrap_or_else(PoisonError::into_inner);
        operators.get(&address.to_ascii_lowercase()).cloned()
    }

    /// Adds an entry and wakes the waiting steps. If a component has exceeded its limit, the entry is counted and left
    /// out.
    pub fn record(&self, event: Event) {
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Source::Component(component) = &event.source {
            let share = entries.share_of(component);
            share.last.push(&event.message);
            let first = share.left_out.text().is_none();
            if !share.admits(&event) {
                if first {
                    let message = format!(
                        "{component} says more than the timeline holds; what is left out is counted at its end"
                    );
                    entries.events.push(Event::of_harness(message));
                }
                return;
            }
        }
        entries.events.push(event);
        let count = entries.events.len();
        drop(entries);
        self.0.count.send_replace(count);
    }

    /// Adds the entries for a line of a component's output.
    pub fn record_line(&self, component: &ComponentRef, line: &Line) {
        if !self.leaves_out(component, line) {
            for event in parse(component, line) {
                self.record(event);
            }
        }
    }

    /// Whether a line is counted and left out without parsing: it is not a record, and the limit for such lines is
    /// reached. Most of a flood is such lines. Called once for each line: the observer sees it here.
    pub fn leaves_out(&self, component: &ComponentRef, line: &Line) -> bool {
        if let Some(LineObserver(on_line)) = &self.0.observer {
            on_line(component, line);
        }
        if line.gap {
            self.note_unread(component);
        }
        if line.gap || object_in(&line.text).is_some() {
            return false;
        }
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        // The code that records the first line that is left out reports it.
        let is_full = |share: &&mut Share| share.left_out.plain > 0 && share.is_full();
        let Some(share) = entries.shares.get_mut(component).filter(is_full) else { return false };
        share.last.push(&line.text);
        share.left_out.plain += 1;
        true
    }

    /// Records that a part of a component's output was not read.
    pub fn note_unread(&self, component: &ComponentRef) {
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.share_of(component).left_out.unread = true;
    }

    /// A description of the entries that the timeline does not hold although verdicts depend on them.
    pub fn unjudged(&self) -> Vec<(ComponentRef, String)> {
        let entries = self.0.entries.read().unwrap_or_else(PoisonError::into_inner);
        let judged = entries.shares.iter().filter(|(_, share)| share.left_out.is_judged_by());
        judged.filter_map(|(component, share)| Some((component.clone(), share.left_out.text()?))).collect()
    }

    /// Waits until `done` returns a value; it sees all entries so far, in the order of arrival, each time one is added.
    /// `None` when the time is up, which counts only while this process runs.
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

    /// Reads the entries so far, in the order of arrival.
    pub fn read<T>(&self, question: impl FnOnce(&[Event]) -> T) -> T {
        question(&self.0.entries.read().unwrap_or_else(PoisonError::into_inner).events)
    }

    /// The entries by time.
    pub fn sorted(&self) -> Vec<Event> {
        let mut events = self.read(<[Event]>::to_vec);
        events.sort_by_key(|event| event.at);
        events
    }

    /// The last `count` entries about a task, or about anything if none is named, one line each, with times relative to
    /// `since`.
    pub fn last_lines(&self, task: Option<H256>, count: usize, since: Timestamp) -> Vec<String> {
        let events = self.sorted();
        let about: Vec<_> = events.iter().filter(|event| task.is_none() || event.task_hash == task).collect();
        let last = &about[about.len().saturating_sub(count)..];
        lines(last, since, &self.0.operators.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last output lines of a component, indented, for errors about it.
    pub fn last_output(&self, component: &ComponentRef) -> String {
        let entries = self.0.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.shares.get(component).map_or_else(|| LastLines::default().to_string(), |share| share.last.to_string())
    }

    /// Writes all entries by time, one JSON object on a line, with texts that are safe to show; at the end what is left
    /// out. On failure, no partial file stays.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let written = self.write_to(path);
        if written.is_err() {
            // The file may not exist.
            let _ = fs::remove_file(path);
        }
        written
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(hourglass_base::private::create(path)?);
        for event in self.sorted().iter().chain(&self.left_out()) {
            serde_json::to_writer(&mut file, &safe_json(&TimelineRecord { version: Version, event })?)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }

    fn left_out(&self) -> Vec<Event> {
        let entries = self.0.entries.read().unwrap_or_else(PoisonError::into_inner);
        let told = entries.shares.iter().filter_map(|(component, share)| {
            let what = share.left_out.text()?;
            Some(Event::of_harness(format!("{component}: left out of this timeline are {what}")))
        });
        told.collect()
    }
}

impl Entries {
    fn share_of(&mut self, component: &ComponentRef) -> &mut Share {
        self.shares.entry(component.clone()).or_default()
    }
}

/// Entries as lines for people, with times relative to `since`; operators have the names that components write.
pub fn lines_of<'a>(events: impl IntoIterator<Item = &'a Event>, since: Timestamp) -> Vec<String> {
    let events: Vec<_> = events.into_iter().collect();
    lines(&events, since, &HashMap::new())
}

fn lines(events: &[&Event], since: Timestamp, operators: &HashMap<String, String>) -> Vec<String> {
    let width = events.iter().map(|event| event.source.to_string().len()).max().unwrap_or_default();
    events.iter().map(|event| line(event, width, since, operators)).collect()
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
    let line = format!("{seconds:>8.3}s  {:<width$}  {word}{}{operator}{error}", event.source, event.message);
    // One entry, one line: a message cannot pretend to be several entries.
    cut(&safe_line(&line), SHOWN).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        Event::of_harness(message)
    }

    #[tokio::test]
    async fn a_wait_sees_past_and_future_entries() {
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
    fn component() -> ComponentRef {
        ComponentRef::performer("alice")
    }

    fn whole(text: &str) -> Line {
        Line { text: text.to_owned(), dropped: 0, began: None, gap: false }
    }

    /// 10 MB of short lines took 2.4 GB of memory.
    #[test]
    fn a_flood_is_counted_and_not_held_and_hides_no_error() {
        let timeline = Timeline::default();
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..100_000 {
            timeline.record_line(&component(), &whole("y"));
        }
        timeline.record_line(&component(), &whole(r#"{"level":"ERROR","message":"lost"}"#));
        timeline.record_line(&component(), &whole("last"));
        let held = timeline.read(<[Event]>::len);
        assert!((1000..30_000).contains(&held), "{held} entries are held");
        assert!(timeline.read(|events| events.iter().any(|event| event.message == "lost")), "the error was left out");
        assert!(timeline.last_output(&component()).ends_with("\n  lost\n  last"), "what came last is not known");
        assert_eq!(timeline.unjudged(), [], "nothing was left out by which the trial is judged");
        let path = folder.path().join("timeline.jsonl");
        timeline.write(&path).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let left_out = 100_002 - (held - 1);
        let said = format!("performer/alice: left out of this timeline are {left_out} lines");
        assert!(text.lines().last().unwrap().contains(&said), "{}", text.lines().last().unwrap());
    }

    /// After a flood of errors, all of which a scenario allows, another error must not be missed silently.
    #[test]
    fn errors_beyond_the_limit_are_reported_to_the_judge() {
        let timeline = Timeline::default();
        let record = format!(r#"{{"level":"ERROR","message":"{}"}}"#, "x".repeat(60_000));
        for _ in 0..200 {
            timeline.record_line(&component(), &whole(&record));
        }
        let unjudged = timeline.unjudged();
        assert!(unjudged.len() == 1 && unjudged[0].1.ends_with("ERROR records"), "{unjudged:?}");
    }

    /// Entries for people and for programs contain no terminal controls, and no entry looks like two.
    #[test]
    fn entries_are_safe_to_show() {
        let timeline = Timeline::default();
        let hostile = "\u{1b}[2J\u{9b}1m\u{202e}\u{7f}\r\nforged  aggregator  quorum_reached";
        let record = serde_json::json!({"message": hostile, "error": hostile, "a\u{7}": [hostile]});
        timeline.record_line(&component(), &whole(&record.to_string()));
        timeline.record_line(&component(), &whole(hostile));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        timeline.write(&path).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let lines = timeline.last_lines(None, 5, Timestamp::now());
        assert_eq!((text.lines().count(), lines.len()), (2, 2));
        let shown = [text, lines.join("\n"), timeline.last_output(&component())];
        for text in shown {
            assert!(!text.contains(hourglass_component::text::is_harmful), "{text:?}");
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(text.contains("u{1b}[2J"), "what was said is visible: {text}");
        }
    }
}
