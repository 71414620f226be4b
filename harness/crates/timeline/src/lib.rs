//! The events of a trial, on one clock: chain events, log records of components, results of steps.
//!
//! Sources write, steps wait for entries, the judge reads. Nothing here knows which events are right.

mod beginning;
mod bounds;
mod chain;
mod event;
mod last;
mod lines;
mod log;
mod phases;
mod record;
mod stored;
mod tail;
mod trace;
mod usage;

pub use bounds::{ERROR_LIMIT, PLAIN_LIMIT, TASK_EVENT_LIMIT};
pub use chain::{ChainFollower, follow_chain};
pub use event::{Event, Level, Source};
pub use last::LastLines;
pub use lines::{LINE_LIMIT, Line, Lines};
pub use log::{parse, parse_line};
pub use phases::{PHASES, TaskPhases, TaskTimes, by_task, phases, times_by_task};
pub use record::{OnLine, Timeline, TimelineRecord, lines_of};
pub use stored::read_timeline;
pub use tail::{LOG_BEGINNING, LOG_END, LineFile, LogFolder, TailError};
pub use trace::{Lane, TaskFacts, TaskTrace, Trace, with_lanes};
pub use usage::ComponentUsage;
