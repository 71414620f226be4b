//! The timeline of a trial as a picture: one clock, a lane for each source, bars for what takes time.

use std::{collections::BTreeMap, time::Duration};

use hourglass_component::events::TaskEvent;
use hourglass_runner::verdict::{StepReport, TaskReport};
use hourglass_timeline::{Event, Level, Source};
use jiff::Timestamp;

use super::{
    budget::Budget,
    lanes::{Lane, lane_of},
    steps::outcome,
    text::{Text, time_of},
};

/// The picture's width, that of the lanes' names, and the height of a lane, in units of the picture.
const WIDTH: f64 = 1000.0;
const NAMES: f64 = 176.0;
const LANE: f64 = 20.0;
/// The height of the scale.
const SCALE: f64 = 24.0;
/// Entries nearer than this are one mark.
const NEAR: f64 = 4.0;
/// How many steps and tasks have a lane.
const STEPS: usize = 40;
const TASKS: usize = 24;
/// The bytes of the markup of a lane and of a shape.
const MARKUP: usize = 130;

/// A part of a trial's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Milliseconds since the beginning of the trial.
    pub(super) begin: f64,
    pub(super) end: f64,
}

/// The picture.
#[derive(Debug)]
pub(super) struct Waterfall {
    pub(super) height: f64,
    pub(super) lanes_end: f64,
    pub(super) ticks: Vec<Tick>,
    pub(super) rows: Vec<Row>,
    /// What has no place in it.
    pub(super) left_out: Option<String>,
}

#[derive(Debug)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
}

/// A lane.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) y: f64,
    pub(super) middle: f64,
    pub(super) class: &'static str,
    pub(super) name: Text,
    pub(super) bars: Vec<Bar>,
    pub(super) marks: Vec<Mark>,
}

/// Something that took time.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) class: &'static str,
    pub(super) title: Text,
}

/// One entry, or several that are too near to each other.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) class: &'static str,
    pub(super) title: Text,
    /// How many further ones it stands for.
    pub(super) more: usize,
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn<'a> {
    pub(super) started: Timestamp,
    pub(super) steps: &'a [StepReport],
    pub(super) tasks: &'a [TaskReport],
    pub(super) events: &'a [Event],
}

impl Window {
    /// The position of a time in the picture, if it is within.
    fn x(self, at: f64) -> Option<f64> {
        let share = (at - self.begin) / (self.end - self.begin);
        (0.0..=1.0).contains(&share).then_some(NAMES + share * (WIDTH - NAMES - 8.0))
    }

    /// A bar between two times, if a part of it is within.
    fn bar(self, from: f64, to: f64, class: &'static str, title: &str) -> Option<Bar> {
        if to < self.begin || from > self.end {
            return None;
        }
        let (from, to) = (self.x(from.max(self.begin))?, self.x(to.min(self.end))?);
        Some(Bar { x: from, width: (to - from).max(2.0), class, title: Text::line_within(title, 120) })
    }
}

impl Drawn<'_> {
    /// The picture of this part of the time, within the budget.
    pub(super) fn within(self, window: Window, budget: &mut Budget) -> Waterfall {
        let mut left_out = Vec::new();
        let mut rows = self.steps(window);
        let created = self.created();
        let tasks = self.tasks.iter().filter_map(|task| Self::task(task, *created.get(task.hash.as_str())?, window));
        let tasks: Vec<_> = tasks.collect();
        let hidden = [(rows.len().saturating_sub(STEPS), "steps"), (tasks.len().saturating_sub(TASKS), "tasks")];
        rows.truncate(STEPS);
        let by_source = self.lanes(window);
        rows.extend(tasks.into_iter().take(TASKS));
        rows.extend(by_source);
        for (count, what) in hidden {
            left_out.extend((count > 0).then(|| format!("{count} {what}")));
        }
        let mut kept = Vec::new();
        let mut cut = 0;
        for mut row in rows {
            if !budget.takes(MARKUP, &[&row.name]) {
                cut += row.bars.len() + row.marks.len();
                continue;
            }
            let before = row.bars.len() + row.marks.len();
            row.bars.retain(|bar| budget.takes(MARKUP, &[&bar.title]));
            row.marks.retain(|mark| budget.takes(MARKUP, &[&mark.title]));
            cut += before - row.bars.len() - row.marks.len();
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than a hundred")]
            let y = SCALE + kept.len() as f64 * LANE;
            (row.y, row.middle) = (y, y + LANE / 2.0);
            kept.push(row);
        }
        left_out.extend((cut > 0).then(|| format!("{cut} marks")));
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than a hundred")]
        let lanes_end = SCALE + kept.len() as f64 * LANE;
        Waterfall {
            height: lanes_end + 4.0,
            lanes_end,
            ticks: ticks(window),
            rows: kept,
            left_out: (!left_out.is_empty()).then(|| left_out.join(", ")),
        }
    }

    fn steps(self, window: Window) -> Vec<Row> {
        let step = |step: &StepReport| {
            let began = milliseconds(step.began?);
            let took = step.duration.map(milliseconds);
            let ended = took.map_or(window.end, |took| began + took);
            let (class, word) = outcome(step.outcome);
            let took = took.map_or_else(String::new, |took| format!(", {}", time_of(took)));
            let bar = window.bar(began, ended, class, &format!("{}: {word}{took}", step.title))?;
            let name = format!("{} {}", step.line, step.title);
            Some(Row { bars: vec![bar], ..Row::new("step", &name) })
        };
        self.steps.iter().filter_map(step).collect()
    }

    /// When each task was created, by its hash.
    fn created(self) -> BTreeMap<String, f64> {
        let mut created = BTreeMap::new();
        for event in self.events {
            if let (Some(TaskEvent::TaskCreated), Some(hash)) = (event.event, event.task_hash) {
                created.entry(format!("{hash:?}")).or_insert_with(|| self.at(event));
            }
        }
        created
    }

    /// A task's phases, one bar for each.
    fn task(task: &TaskReport, created: f64, window: Window) -> Option<Row> {
        const CLASSES: [&str; 7] = ["p1", "p2", "p3", "p4", "p5", "p6", "p7"];
        let reached = task.phases.reached();
        let bars = reached.windows(2).zip(CLASSES).filter_map(|(pair, class)| {
            let [(_, from), (name, to)] = pair else { return None };
            let title = format!("{}: {name} after {}", task.alias, time_of(*to));
            window.bar(created + from, created + to, class, &title)
        });
        let row = Row { bars: bars.collect(), ..Row::new("task", &format!("task {}", task.alias)) };
        (!row.bars.is_empty()).then_some(row)
    }

    /// A lane for each source: chains, aggregator, executors, performers, the Kubernetes operator, the cluster, the
    /// harness.
    fn lanes(self, window: Window) -> Vec<Row> {
        let mut lanes: BTreeMap<Lane, Row> = BTreeMap::new();
        let mut running = BTreeMap::new();
        for event in self.events {
            // Steps have lanes of their own.
            if event.source == Source::Harness && event.fields.contains_key("step") {
                continue;
            }
            let (at, lane) = (self.at(event), lane_of(event));
            let key = (lane.clone(), event.task_hash);
            let row = lanes.entry(lane).or_insert_with_key(|lane| Row::new("source", &lane.to_string()));
            match event.event {
                Some(TaskEvent::PerformerStarted) => drop(running.insert(key, at)),
                Some(TaskEvent::PerformerFinished | TaskEvent::PerformerFailed) => {
                    let began = running.remove(&key);
                    let title = began.map(|began| format!("performer at work, {}", time_of(at - began)));
                    row.bars.extend(began.zip(title).and_then(|(began, title)| window.bar(began, at, "work", &title)));
                }
                _ => {}
            }
            if let Some(x) = window.x(at) {
                row.mark(x, event);
            }
        }
        lanes.into_values().filter(|row| !row.bars.is_empty() || !row.marks.is_empty()).collect()
    }

    fn at(self, event: &Event) -> f64 {
        event.at.duration_since(self.started).as_secs_f64() * 1e3
    }
}

impl Row {
    fn new(class: &'static str, name: &str) -> Self {
        // What fits beside the lane.
        let name =
            if name.chars().count() > 27 { name.chars().take(26).chain(['…']).collect() } else { name.to_owned() };
        Self { y: 0.0, middle: 0.0, class, name: Text::line(&name), bars: Vec::new(), marks: Vec::new() }
    }

    fn mark(&mut self, x: f64, event: &Event) {
        let class = match event.level {
            Some(Level::Error) => "e",
            Some(Level::Warn) => "w",
            _ => "i",
        };
        let said = event.event.map_or_else(|| event.message.clone(), |word| word.to_string());
        if let Some(last) = self.marks.last_mut().filter(|last| x - last.x < NEAR && last.class == class) {
            last.more += 1;
        } else {
            self.marks.push(Mark { x, class, title: Text::line_within(&said, 90), more: 0 });
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Marks of the scale at round times, six at most.
fn ticks(window: Window) -> Vec<Tick> {
    let length = (window.end - window.begin).max(1e-3);
    let power = 10_f64.powf((length / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| length / step <= 6.0);
    let step = step.unwrap_or(length);
    let first = (window.begin / step).ceil();
    let times = (0..8).map(|index| (first + f64::from(index)) * step);
    let tick = |at: f64| Some(Tick { x: window.x(at)?, label: label(at, step) });
    times.filter_map(tick).collect()
}

/// A time on the scale, in seconds or milliseconds as the scale needs.
fn label(at: f64, step: f64) -> String {
    if step >= 1000.0 {
        format!("{:.0} s", at / 1e3)
    } else if step >= 100.0 {
        format!("{:.1} s", at / 1e3)
    } else if step >= 10.0 {
        format!("{:.2} s", at / 1e3)
    } else {
        format!("{:.3} s", at / 1e3)
    }
}
