//! The entries of a trial's timeline as a table: those that explain most, if not all of them can be shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use hourglass_timeline::{Event, Level, Source};
use jiff::Timestamp;
use serde_json::Value;

use super::{budget::Budget, text::Text};

/// How many components have a filter of their own; the stylesheet has a rule for each.
pub(super) const FILTERS: usize = 24;
/// The bytes of an entry's markup.
const MARKUP: usize = 60;
/// The limit of a message and of each field, in bytes.
const MESSAGE: usize = 600;
const FIELD: usize = 200;
/// Fields that other columns show, or other parts of the page.
const SHOWN_ELSEWHERE: [&str; 4] = ["line", "place", "step", "outcome"];

/// The table.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) components: Vec<Component>,
    pub(super) rows: Vec<Row>,
    /// The number of entries in the table.
    pub(super) shown: usize,
    /// The number of entries that the trial had.
    pub(super) total: usize,
}

/// A component that can be filtered for.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) index: usize,
    pub(super) name: Text,
    pub(super) count: usize,
}

#[derive(Debug)]
pub(super) enum Row {
    Entry(Entry),
    /// So many entries are left out here.
    Gap(usize),
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Seconds since the beginning of the trial.
    pub(super) at: String,
    /// The component's filter.
    pub(super) component: usize,
    pub(super) source: Text,
    /// The letter of the level in the stylesheet, and the level.
    pub(super) level: (&'static str, &'static str),
    /// The task's name, or the beginning of its hash.
    pub(super) task: Text,
    pub(super) message: Text,
}

impl Log {
    /// The entries within the budget. `tasks` are names by hash; `concerned` are the hashes that violations name.
    pub(super) fn of(
        events: &[Event],
        started: Timestamp,
        tasks: &BTreeMap<&str, &str>,
        concerned: &BTreeSet<&str>,
        budget: &mut Budget,
    ) -> Self {
        let names: Vec<_> = components(events);
        let entry = |event: &Event| entry(event, started, tasks, &names);
        let mut kept = BTreeMap::new();
        for index in by_importance(events, concerned) {
            let entry = entry(&events[index]);
            if !budget.takes(MARKUP, &[&entry.source, &entry.task, &entry.message]) {
                break;
            }
            kept.insert(index, entry);
        }
        let mut counts = [0; FILTERS];
        let (mut rows, mut next, shown) = (Vec::new(), 0, kept.len());
        for (index, entry) in kept {
            rows.extend((index > next).then(|| Row::Gap(index - next)));
            next = index + 1;
            counts[entry.component] += 1;
            rows.push(Row::Entry(entry));
        }
        rows.extend((events.len() > next && shown > 0).then(|| Row::Gap(events.len() - next)));
        let components = names.iter().take(FILTERS).enumerate().map(|(index, name)| {
            let rest = index + 1 == FILTERS && names.len() > FILTERS;
            let name = Text::line(if rest { "others" } else { name });
            Component { index, name, count: counts[index] }
        });
        let components = components.filter(|component| component.count > 0).collect();
        Self { components, rows, shown, total: events.len() }
    }

    /// The number of entries that are not in the table.
    pub(super) fn left_out(&self) -> usize {
        self.total - self.shown
    }
}

/// The sources in the order of their names: chains, components, the harness.
fn components(events: &[Event]) -> Vec<String> {
    let sources: BTreeSet<_> = events.iter().map(|event| &event.source).collect();
    sources.into_iter().map(ToString::to_string).collect()
}

/// The entries' positions: first what is wrong, then what the harness did and what is about the tasks concerned, then
/// what is about other tasks, then the rest. Of each, those at both ends before those in the middle.
fn by_importance(events: &[Event], concerned: &BTreeSet<&str>) -> Vec<usize> {
    let rank = |event: &Event| {
        let task = event.task_hash.map(|hash| format!("{hash:?}"));
        if event.level >= Some(Level::Warn) {
            0
        } else if event.source == Source::Harness || task.is_some_and(|task| concerned.contains(task.as_str())) {
            1
        } else if event.event.is_some() {
            2
        } else {
            3
        }
    };
    let mut ranks = [const { Vec::new() }; 4];
    for (index, event) in events.iter().enumerate() {
        ranks[rank(event)].push(index);
    }
    ranks.into_iter().flat_map(from_both_ends).collect()
}

fn from_both_ends(positions: Vec<usize>) -> impl Iterator<Item = usize> {
    let mut positions = positions.into_iter();
    let mut front = false;
    std::iter::from_fn(move || {
        front = !front;
        if front { positions.next() } else { positions.next_back() }
    })
}

fn entry(event: &Event, started: Timestamp, tasks: &BTreeMap<&str, &str>, names: &[String]) -> Entry {
    let source = event.source.to_string();
    let component = names.iter().position(|name| *name == source).unwrap_or_default().min(FILTERS - 1);
    let task = event.task_hash.map(|hash| {
        let hash = format!("{hash:?}");
        tasks.get(hash.as_str()).map_or_else(|| hash[..10].to_owned(), |name| (*name).to_owned())
    });
    let level = match event.level {
        Some(Level::Error) => ("e", "error"),
        Some(Level::Warn) => ("w", "warn"),
        Some(Level::Info) => ("", "info"),
        Some(Level::Debug) => ("", "debug"),
        Some(Level::Trace) => ("", "trace"),
        None => ("", ""),
    };
    Entry {
        at: format!("{:.3}", event.at.duration_since(started).as_secs_f64()),
        component,
        source: Text::line(&source),
        level,
        task: Text::line_within(&task.unwrap_or_default(), 60),
        message: Text::line_within(&said(event), MESSAGE),
    }
}

/// The message with its event and its fields.
fn said(event: &Event) -> String {
    let mut said = event.event.map(|word| format!("{word}  ")).unwrap_or_default() + &event.message;
    let fields = event.fields.iter().filter(|(name, _)| !SHOWN_ELSEWHERE.contains(&name.as_str()));
    for (name, value) in fields {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(said, "  {name}={}", Text::line_within(&value, FIELD));
    }
    said
}
