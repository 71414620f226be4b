//! Gates: limits that a comparison is held against, such as `verified.p95 kubernetes/docker <= 1.5`.
//!
//! `parse` reads them, `evaluate` holds figures against them.

mod evaluate;
mod parse;

use std::fmt;

use super::{
    model::{Side, Unit},
    stats::{self, p95, quantile},
};

pub use evaluate::evaluate;

/// The word that stands for the comparison of an earlier time.
pub const BASELINE: &str = "baseline";

/// A limit for a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// As it was written.
    pub text: String,
    /// The name of the metric.
    pub metric: String,
    /// What is taken of its samples.
    pub statistic: Statistic,
    /// The side, or the dividend of a ratio.
    pub side: String,
    /// The divisor of a ratio.
    pub by: Option<Divisor>,
    /// How the figure must relate to the limit.
    pub operator: Operator,
    /// The limit: a ratio, or a value in the unit of the metric.
    pub limit: f64,
    /// The unit of the metric.
    pub unit: Unit,
}

/// The divisor of a ratio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divisor {
    /// The other side.
    Side(String),
    /// The same side of the baseline.
    Baseline,
}

/// What is taken of the samples of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The median.
    Median,
    /// The 95th percentile.
    P95,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Statistic {
    const ALL: [(&str, Self); 4] =
        [("median", Self::Median), ("p95", Self::P95), ("min", Self::Min), ("max", Self::Max)];

    /// The figure of these samples; `None` without any.
    pub fn of(self, samples: &[f64]) -> Option<f64> {
        match self {
            Self::Median => stats::median(samples),
            Self::P95 => p95(samples),
            Self::Min => quantile(samples, 0.0),
            Self::Max => quantile(samples, 1.0),
        }
    }
}

/// How a figure must relate to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Operator {
    /// Longer ones first, because the shorter ones are their beginnings.
    const ALL: [(&str, Self); 4] =
        [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Below), (">", Self::Above)];

    /// Whether the figure relates to the limit in this way.
    pub fn holds(self, figure: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => figure <= limit,
            Self::Below => figure < limit,
            Self::AtLeast => figure >= limit,
            Self::Above => figure > limit,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, operator)| operator == self).map_or("", |(text, _)| text))
    }
}

/// A gate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the gate `{text}` at character {at}: {problem}")]
pub struct GateError {
    /// The gate.
    pub text: String,
    /// The place of the problem, counted from 1.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
}

impl Gate {
    /// Reads a gate for these sides; `with_baseline` says whether there is a baseline.
    pub fn parse(text: &str, sides: &[Side; 2], with_baseline: bool) -> Result<Self, GateError> {
        parse::gate(text, sides, with_baseline)
    }
}
