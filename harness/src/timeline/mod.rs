//! What happened in a trial, on one clock: chain events, log records of components, results of steps.
//!
//! Sources write, steps wait for what they want to see, the judge reads. Nothing here knows what ought to happen.

mod chain;
mod event;
mod last;
mod log;
mod phases;
mod record;
mod tail;
mod trace;

pub use chain::{ChainFollower, follow_chain};
pub use event::{Event, Level, Source};
pub use last::LastLines;
pub use log::parse_line;
pub use phases::{TaskPhases, phases};
pub use record::Timeline;
pub use tail::{LineFile, LogFolder, TailError};
pub use trace::{Lane, TaskTrace, Trace};
pub(crate) use trace::{TaskFacts, with_lanes};
