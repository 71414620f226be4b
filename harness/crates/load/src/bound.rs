//! The bound of a search: a percentile and the longest latency that it may have.

use std::{fmt, str::FromStr, time::Duration};

use crate::latency::Percentiles;

/// A bound such as `p99<=200ms`, for the latency from when a task was due until it was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Which figure is bounded.
    pub percentile: Percentile,
    /// What it may be at most.
    pub limit: Duration,
}

/// A figure of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    /// The median.
    P50,
    /// 95 % are at most this.
    P95,
    /// 99 % are at most this.
    P99,
    /// The longest.
    Max,
}

/// A text that is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no bound: {problem}; write one of p50, p95, p99 and max, then `<=`, then a time, for example `p99<=200ms`"
)]
pub struct BadBound {
    text: String,
    problem: String,
}

impl Percentile {
    const ALL: [Self; 4] = [Self::P50, Self::P95, Self::P99, Self::Max];

    /// Its name in a bound.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }

    /// How many latencies it takes so that the figure is not just the longest of them.
    pub const fn least_tasks(self) -> u64 {
        match self {
            Self::P50 | Self::Max => 2,
            Self::P95 => 21,
            Self::P99 => 101,
        }
    }
}

impl Bound {
    /// The bounded figure of these latencies, in milliseconds.
    pub const fn of(&self, latencies: &Percentiles) -> f64 {
        match self.percentile {
            Percentile::P50 => latencies.p50_ms,
            Percentile::P95 => latencies.p95_ms,
            Percentile::P99 => latencies.p99_ms,
            Percentile::Max => latencies.max_ms,
        }
    }

    /// Whether these latencies are within the bound.
    pub fn holds(&self, latencies: &Percentiles) -> bool {
        self.of(latencies) <= self.limit.as_secs_f64() * 1e3
    }
}

impl FromStr for Bound {
    type Err = BadBound;

    fn from_str(text: &str) -> Result<Self, BadBound> {
        let bad = |problem: String| BadBound { text: text.to_owned(), problem };
        let (name, limit) = text.split_once("<=").ok_or_else(|| bad("it has no `<=`".to_owned()))?;
        let (name, limit) = (name.trim(), limit.trim());
        let percentile = Percentile::ALL.into_iter().find(|percentile| percentile.as_str() == name);
        let percentile = percentile.ok_or_else(|| bad(format!("no figure has the name `{name}`")))?;
        let limit = humantime::parse_duration(limit).map_err(|error| bad(format!("`{limit}` is no time: {error}")))?;
        if limit.is_zero() {
            return Err(bad("no task takes no time".to_owned()));
        }
        Ok(Self { percentile, limit })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}<={}", self.percentile.as_str(), humantime::format_duration(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("p99<=200ms", "p99<=200ms")]
    #[case(" p95 <= 1s ", "p95<=1s")]
    #[case("max<=1500us", "max<=1ms 500us")]
    fn a_bound_is_read(#[case] text: &str, #[case] bound: &str) {
        assert_eq!(text.parse::<Bound>().unwrap().to_string(), bound);
    }

    #[rstest::rstest]
    #[case("p99<200ms", "it has no `<=`")]
    #[case("p98<=200ms", "no figure has the name `p98`")]
    #[case("p99<=200", "is no time")]
    #[case("p99<=0s", "no task takes no time")]
    fn another_text_is_refused_with_an_example(#[case] text: &str, #[case] problem: &str) {
        let error = text.parse::<Bound>().unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("p99<=200ms"), "{error}");
    }

    #[test]
    fn the_limit_itself_is_within_the_bound() {
        let latencies = Percentiles { count: 9, p50_ms: 1.0, p95_ms: 2.0, p99_ms: 3.0, max_ms: 4.0 };
        for (text, holds) in [("p50<=1ms", true), ("p95<=1ms", false), ("p99<=3ms", true), ("max<=3999us", false)] {
            assert_eq!(text.parse::<Bound>().unwrap().holds(&latencies), holds, "{text}");
        }
    }
}
