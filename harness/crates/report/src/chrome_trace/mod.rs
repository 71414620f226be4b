//! The timeline of a trial as a trace that Perfetto (<https://ui.perfetto.dev>) and Chrome open.
//!
//! The format is the JSON object of the Trace Event Format. Times are microseconds since the trial's start. Each group
//! of lanes is a process of the trace and each component a thread: phases and steps are complete events (`X`), tasks
//! and what performers do are nestable asynchronous events (`b`, `e`), entries of the timeline are instants (`i`).
//! `lanes` numbers processes and threads, `format` has the events as they are written.

mod format;
mod lanes;

use std::{collections::BTreeMap, time::Duration};

use hourglass_component::{
    events::TaskEvent,
    keys::H256,
    text::{cut, safe_json, safe_line},
};
use hourglass_runner::verdict::{TaskReport, TrialReport};
use hourglass_timeline::{Event, Source};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use format::{Span, TraceEvent, TraceFile};
use lanes::{Group, Lanes, Nesting};

/// The longest name of an event, in bytes.
const NAME: usize = 1 << 10;

/// The trace of a trial, from its report and the entries of its timeline.
pub fn chrome_trace(report: &TrialReport, entries: &[Event]) -> serde_json::Result<String> {
    let mut trace = Trace { report, entries, lanes: Lanes::default(), events: Vec::new(), ids: 0 };
    trace.phases();
    trace.steps();
    trace.tasks();
    trace.performers();
    trace.instants();
    trace.render()
}

struct Trace<'a> {
    report: &'a TrialReport,
    entries: &'a [Event],
    lanes: Lanes,
    events: Vec<TraceEvent>,
    /// How many asynchronous events have an id.
    ids: u32,
}

impl Trace<'_> {
    /// The phases follow each other, and that of the steps begins no earlier than the first step.
    fn phases(&mut self) {
        let lane = self.lanes.of(Group::Harness, "phases");
        let first_step = self.report.steps.iter().filter_map(|step| step.began).min().unwrap_or_default();
        let mut at = Duration::ZERO;
        for phase in &self.report.phases {
            if phase.name == "steps" {
                at = at.max(first_step);
            }
            let span = Span::new(at, at + phase.duration);
            self.events.push(TraceEvent::complete(name(&phase.name), "phase", lane, span, Map::new()));
            at += phase.duration;
        }
    }

    /// A step that did not end lasts until the end of the trial; steps that overlap without nesting are in lanes of
    /// their own.
    fn steps(&mut self) {
        let mut steps: Vec<_> = self.report.steps.iter().filter_map(|step| Some((step, step.began?))).collect();
        let end = |step: &hourglass_runner::verdict::StepReport, began: Duration| {
            step.duration.map_or(self.report.duration.max(began), |duration| began + duration)
        };
        steps.sort_by_key(|(step, began)| (*began, std::cmp::Reverse(end(step, *began))));
        let mut nesting = Nesting::default();
        for (step, began) in steps {
            let span = Span::new(began, end(step, began));
            let lane = match nesting.place(span) {
                0 => self.lanes.of(Group::Harness, "steps"),
                number => self.lanes.of(Group::Harness, &format!("steps {}", number + 1)),
            };
            let arguments = arguments([("outcome", json!(step.outcome.word())), ("place", json!(step.place))]);
            self.events.push(TraceEvent::complete(name(&step.title), "step", lane, span, arguments));
        }
    }

    /// Each task from its creation on its chain, with a nested event for each phase, named after the stage that ends it.
    fn tasks(&mut self) {
        let lane = self.lanes.of(Group::Tasks, "tasks");
        for task in &self.report.tasks {
            let Some(created) = self.created(task) else { continue };
            let mut reached = task.phases.reached();
            // The aggregator may notice its own submission after the chain has reported the end.
            reached.sort_by(|(_, one), (_, other)| one.total_cmp(other));
            let at = |milliseconds: f64| created + Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default();
            let last = self.about(task).map(|event| self.since(event.at)).max().unwrap_or(created);
            let until = reached.last().map_or(created, |(_, milliseconds)| at(*milliseconds)).max(last);
            let whole =
                arguments([("hash", json!(task.hash)), ("chain", json!(task.chain)), ("status", json!(task.status))]);
            let id = self.next_id();
            let event = |title: &str, span: Span, arguments: Map<String, Value>| {
                TraceEvent::asynchronous(name(title), "task", lane, &id, span, arguments)
            };
            let [begin, end] = event(&task.alias, Span::new(created, until), whole);
            let phases = reached.windows(2).flat_map(|pair| {
                let [(from, start), (to, stop)] = [pair[0], pair[1]];
                event(to, Span::new(at(start), at(stop)), arguments([("from", json!(from)), ("to", json!(to))]))
            });
            self.events.extend([begin].into_iter().chain(phases).chain([end]).collect::<Vec<_>>());
        }
    }

    /// What each executor's performer did for each task.
    fn performers(&mut self) {
        let mut open: BTreeMap<(&Source, H256), Duration> = BTreeMap::new();
        let (report, entries) = (self.report, self.entries);
        let tasks: BTreeMap<_, _> = report.tasks.iter().filter_map(|task| Some((hash_of(task)?, task))).collect();
        for event in entries {
            let Some((hash, task)) = event.task_hash.and_then(|hash| tasks.get_key_value(&hash)) else { continue };
            match event.event {
                Some(TaskEvent::PerformerStarted) => {
                    open.insert((&event.source, *hash), self.since(event.at));
                }
                Some(TaskEvent::PerformerFinished | TaskEvent::PerformerFailed) => {
                    let Some(began) = open.remove(&(&event.source, *hash)) else { continue };
                    let lane = self.lanes.of_source(&event.source);
                    let span = Span::new(began, self.since(event.at));
                    let id = self.next_id();
                    let title = name(&format!("performer: {}", task.alias));
                    let arguments = arguments([("hash", json!(task.hash))]);
                    let pair = TraceEvent::asynchronous(title, "performer", lane, &id, span, arguments);
                    self.events.extend(pair);
                }
                _ => {}
            }
        }
    }

    fn instants(&mut self) {
        for event in self.entries {
            let lane = self.lanes.of_source(&event.source);
            let category = match (&event.source, event.event, event.level) {
                (Source::Chain(_), ..) => "chain",
                (_, Some(_), _) => "event",
                (.., Some(_)) => "log",
                _ => "harness",
            };
            let word = event.event.map(|word| format!("{word}: ")).unwrap_or_default();
            let mut arguments = event.fields.clone();
            arguments.extend(event.level.map(|level| ("level".to_owned(), json!(level))));
            arguments.extend(event.task_hash.map(|hash| ("task_hash".to_owned(), json!(format!("{hash:?}")))));
            let title = name(&format!("{word}{}", event.message));
            self.events.push(TraceEvent::instant(title, category, lane, self.since(event.at), arguments));
        }
    }

    fn render(mut self) -> serde_json::Result<String> {
        // Stable: what begins at the same time stays in the order in which it nests.
        self.events.sort_by_key(TraceEvent::at);
        let events = self.lanes.metadata().into_iter().chain(self.events).collect();
        let report = self.report;
        let file = TraceFile::of(
            events,
            arguments([
                ("trial", json!(report.trial)),
                ("runtime", json!(report.runtime)),
                ("started", json!(report.started)),
            ]),
        );
        serde_json::to_string(&safe_json(&file)?).map(|text| text + "\n")
    }

    /// When a task was seen on its chain, if the timeline has it.
    fn created(&self, task: &TaskReport) -> Option<Duration> {
        let on_chain =
            |event: &&Event| event.event == Some(TaskEvent::TaskCreated) && matches!(event.source, Source::Chain(_));
        self.about(task).filter(on_chain).map(|event| self.since(event.at)).min()
    }

    fn about(&self, task: &TaskReport) -> impl Iterator<Item = &Event> {
        let hash = hash_of(task);
        self.entries.iter().filter(move |event| event.task_hash.is_some() && event.task_hash == hash)
    }

    /// The wall clock can be set back.
    fn since(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.report.started)).unwrap_or_default()
    }

    fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("0x{:x}", self.ids)
    }
}

fn hash_of(task: &TaskReport) -> Option<H256> {
    task.hash.parse().ok()
}

fn name(text: &str) -> String {
    cut(&safe_line(text), NAME).into_owned()
}

fn arguments<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
