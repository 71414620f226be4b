//! Load on an environment: when each task is due, what became of it, how long each phase took, and the highest rate at
//! which a percentile stays under a bound.
//!
//! [`arrivals`] says when tasks are due and which payload each has, [`share`] which of several senders sends which, and
//! [`schedule`] is the loop in which a sender does; [`worker`] is how the harness and senders inside a cluster talk, [`clock`]
//! compares their clocks, and [`merge`] makes the tasks of the load of their lines; [`record`] is what the runner's step `load`
//! writes to the timeline about each task; [`account`] makes the outcomes of all tasks of it, and [`latency`] the percentiles;
//! [`live`] counts while the load runs; [`search`] chooses the rates of a search; [`model`] is the result, and `text` shows
//! it to people. Nothing here creates a task, and nothing here knows the command line.

pub mod account;
pub mod arrivals;
pub mod bound;
pub mod clock;
pub mod ends;
pub mod latency;
pub mod live;
pub mod merge;
pub mod model;
pub mod record;
pub mod schedule;
pub mod search;
pub mod share;
mod text;
pub mod worker;

pub use bound::Bound;
pub use model::{LOAD_VERSION, LoadOutcome, LoadReport, LoadResult, Probe, SearchResult};
pub use search::{Limit, ProbeOutcome, Search};
pub use text::{live as live_text, pattern as pattern_text, probe as probe_text, search as search_text, table};
