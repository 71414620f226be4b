//! Load on an environment: when each task is due, what became of it, how long each phase took, and the highest rate at
//! which a percentile stays under a bound.
//!
//! [`arrivals`] says when tasks are due and which payload each has; [`record`] is what the runner's step `load` writes to
//! the timeline about each task; [`account`] makes the outcomes of all tasks of it, and [`latency`] the percentiles;
//! [`live`] counts while the load runs; [`search`] chooses the rates of a search; [`model`] is the result, and `text` shows
//! it to people. Nothing here creates a task, and nothing here knows the command line.

pub mod account;
pub mod arrivals;
pub mod bound;
pub mod latency;
pub mod live;
pub mod model;
pub mod record;
pub mod search;
mod text;

pub use bound::Bound;
pub use model::{LOAD_VERSION, LoadOutcome, LoadReport, LoadResult, Probe, SearchResult};
pub use search::{Limit, ProbeOutcome, Search};
pub use text::{live as live_text, pattern as pattern_text, probe as probe_text, search as search_text, table};
