//! The Trace Event Format: the keys of its JSON and the kinds of events that are used here.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// The JSON object format.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TraceFile {
    trace_events: Vec<TraceEvent>,
    display_time_unit: &'static str,
    other_data: Map<String, Value>,
}

impl TraceFile {
    pub(super) fn of(trace_events: Vec<TraceEvent>, other_data: Map<String, Value>) -> Self {
        Self { trace_events, display_time_unit: "ms", other_data }
    }
}

/// One event.
#[derive(Debug, Serialize)]
pub(super) struct TraceEvent {
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    cat: &'static str,
    /// The kind of event: `X`, `b`, `e`, `i` or `M`.
    ph: &'static str,
    /// Microseconds.
    ts: u64,
    /// Microseconds, of a complete event.
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<u64>,
    pid: u32,
    tid: u32,
    /// What the events of one asynchronous operation share.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The scope of an instant: `t` for its thread.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: Map<String, Value>,
}

/// A process and a thread of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) pid: u32,
    pub(super) tid: u32,
}

/// A part of the trace's time, in microseconds. The end is not before the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Span {
    pub(super) fn new(begin: Duration, end: Duration) -> Self {
        let (begin, end) = (microseconds(begin), microseconds(end));
        Self { begin, end: end.max(begin) }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl TraceEvent {
    pub(super) fn at(&self) -> u64 {
        self.ts
    }

    fn new(name: String, cat: &'static str, ph: &'static str, lane: Lane, ts: u64, args: Map<String, Value>) -> Self {
        Self { name, cat, ph, ts, dur: None, pid: lane.pid, tid: lane.tid, id: None, scope: None, args }
    }

    /// Something with a duration in a lane; such events of one lane nest.
    pub(super) fn complete(name: String, cat: &'static str, lane: Lane, span: Span, args: Map<String, Value>) -> Self {
        Self { dur: Some(span.end - span.begin), ..Self::new(name, cat, "X", lane, span.begin, args) }
    }

    /// The beginning and the end of an operation that others may overlap; events of one `id` nest.
    pub(super) fn asynchronous(
        name: String,
        cat: &'static str,
        lane: Lane,
        id: &str,
        span: Span,
        args: Map<String, Value>,
    ) -> [Self; 2] {
        let id = || Some(id.to_owned());
        let begin = Self { id: id(), ..Self::new(name.clone(), cat, "b", lane, span.begin, args) };
        let end = Self { id: id(), ..Self::new(name, cat, "e", lane, span.end, Map::new()) };
        [begin, end]
    }

    /// Something without a duration.
    pub(super) fn instant(name: String, cat: &'static str, lane: Lane, at: Duration, args: Map<String, Value>) -> Self {
        Self { scope: Some("t"), ..Self::new(name, cat, "i", lane, microseconds(at), args) }
    }

    /// A name or a position of a process or thread.
    pub(super) fn metadata(name: &str, lane: Lane, args: Map<String, Value>) -> Self {
        Self::new(name.to_owned(), "", "M", lane, 0, args)
    }
}
