//! Comparison of two runtimes: trials of both in turns, the metrics of each, and what they tell.
//!
//! [`session`] runs the trials in the order of [`order`] and watches the machine with [`steal`]; [`metrics`] takes named
//! values from the report of a trial; [`judge`] makes a [`Comparison`] of them with [`stats`]; [`gate`] holds it against
//! limits; `text` shows it to people. Nothing here starts components, and nothing here knows the command line.

pub mod gate;
pub mod judge;
pub mod machine;
pub mod metrics;
pub mod model;
pub mod order;
pub mod session;
pub mod stats;
pub mod steal;
mod text;

pub use gate::{Gate, GateError};
pub use machine::Machine;
pub use model::{
    COMPARISON_VERSION, Comparison, ComparisonError, Figures, GateResult, Interval, MetricComparison, MetricVerdict,
    Outcome, Ratio, Sample, Side, Unit,
};
pub use text::{figure, table};
