//! The processes and threads of a trace.

use std::collections::BTreeMap;

use hourglass_component::text::{cut, safe_line};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::Source;
use serde_json::{Map, Value, json};

use super::{
    NAME, arguments,
    format::{Lane, Span, TraceEvent},
};

/// How many threads a process can have before the next one's numbers begin: numbers of threads are unique in a trace.
const THREADS: u32 = 100_000;

/// A group of lanes: a process of the trace. They are shown in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Phases, steps, and what the harness says.
    Harness = 1,
    /// The tasks from creation to end.
    Tasks,
    Chains,
    Aggregator,
    Executors,
    Performers,
}

impl Group {
    const fn name(self) -> &'static str {
        match self {
            Self::Harness => "harness",
            Self::Tasks => "tasks",
            Self::Chains => "chains",
            Self::Aggregator => "aggregator",
            Self::Executors => "executors",
            Self::Performers => "performers",
        }
    }
}

/// The lanes so far, numbered in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Lanes(BTreeMap<Group, Vec<String>>);

impl Lanes {
    /// The lane of this name.
    pub(super) fn of(&mut self, group: Group, name: &str) -> Lane {
        let names = self.0.entry(group).or_default();
        let index = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        let pid = group as u32;
        Lane { pid, tid: pid * THREADS + u32::try_from(index).unwrap_or_default() }
    }

    /// The lane of a source of entries.
    pub(super) fn of_source(&mut self, source: &Source) -> Lane {
        let group = match source {
            Source::Harness => return self.of(Group::Harness, "records"),
            Source::Chain(_) => Group::Chains,
            Source::Component(ComponentRef::Aggregator) => Group::Aggregator,
            Source::Component(ComponentRef::Executor(_)) => Group::Executors,
            Source::Component(ComponentRef::Performer(_)) => Group::Performers,
        };
        self.of(group, &source.to_string())
    }

    /// The events that name and order processes and threads.
    pub(super) fn metadata(&self) -> Vec<TraceEvent> {
        let text = |name: &str| arguments([("name", json!(cut(&safe_line(name), NAME)))]);
        let place = |index: u32| -> Map<String, Value> { arguments([("sort_index", json!(index))]) };
        let mut events = Vec::new();
        for (group, names) in &self.0 {
            let pid = *group as u32;
            let process = Lane { pid, tid: pid * THREADS };
            events.push(TraceEvent::metadata("process_name", process, text(group.name())));
            events.push(TraceEvent::metadata("process_sort_index", process, place(pid)));
            for (index, name) in (0..).zip(names) {
                let lane = Lane { pid, tid: process.tid + index };
                events.push(TraceEvent::metadata("thread_name", lane, text(name)));
                events.push(TraceEvent::metadata("thread_sort_index", lane, place(index)));
            }
        }
        events
    }
}

/// Distributes spans over lanes so that those of one lane nest. They come by their beginnings, the longest first.
#[derive(Debug, Default)]
pub(super) struct Nesting(Vec<Vec<Span>>);

impl Nesting {
    /// The number of the first lane in which the span lies within the open one, or after all.
    pub(super) fn place(&mut self, span: Span) -> usize {
        for (number, open) in self.0.iter_mut().enumerate() {
            while open.last().is_some_and(|outer| outer.end <= span.begin) {
                open.pop();
            }
            if open.last().is_none_or(|outer| span.end <= outer.end) {
                open.push(span);
                return number;
            }
        }
        self.0.push(vec![span]);
        self.0.len() - 1
    }
}
