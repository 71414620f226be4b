//! Processor time that other machines on the same hardware have taken, from `/proc/stat`.

use std::fs;

/// Trials during which more than this share of the processors' time was taken are discarded, in percent.
pub const MOST_PERCENT: f64 = 5.0;
/// A comparison ends if more than one of this number of its trials is discarded.
pub const MOST_DISCARDED: usize = 5;

/// The processors' time since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorTimes {
    total: u64,
    stolen: u64,
}

impl ProcessorTimes {
    /// This many ticks, of which so many were stolen.
    pub fn of(total: u64, stolen: u64) -> Self {
        Self { total, stolen }
    }

    /// Those of now; `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let times: Option<Vec<u64>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
        let times = times?;
        // user nice system idle iowait irq softirq steal; what follows is contained in user and nice.
        Some(Self { total: times.iter().take(8).sum(), stolen: *times.get(7)? })
    }

    /// The share of the time since then that was stolen, in percent.
    pub fn stolen_since(self, earlier: Self) -> f64 {
        let share = |times: u64| f64::from(u32::try_from(times).unwrap_or(u32::MAX));
        let total = self.total.saturating_sub(earlier.total);
        if total == 0 { 0.0 } else { 100.0 * share(self.stolen.saturating_sub(earlier.stolen)) / share(total) }
    }
}

/// Whether so many of the planned trials are discarded that the comparison says nothing.
pub fn too_many(discarded: usize, planned: usize) -> bool {
    discarded * MOST_DISCARDED > planned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_figure() {
        let earlier = ProcessorTimes::parse("cpu  100 0 100 700 0 0 0 10 50 0\ncpu0 1 2 3\n").unwrap();
        let later = ProcessorTimes::parse("cpu  150 0 120 720 0 0 0 20 90 0\n").unwrap();
        assert_eq!((earlier.total, earlier.stolen), (910, 10));
        assert!((later.stolen_since(earlier) - 10.0).abs() < 1e-9);
        assert!(later.stolen_since(later).abs() < 1e-9);
        assert_eq!(ProcessorTimes::parse("intr 5\n"), None);
    }

    #[rstest::rstest]
    #[case(12, 60, false)]
    #[case(13, 60, true)]
    #[case(1, 6, false)]
    #[case(2, 6, true)]
    fn more_than_a_fifth_is_too_many(#[case] discarded: usize, #[case] planned: usize, #[case] ends: bool) {
        assert_eq!(too_many(discarded, planned), ends);
    }

    #[test]
    fn this_machine_tells() {
        let (one, other) = (ProcessorTimes::now().unwrap(), ProcessorTimes::now().unwrap());
        assert!((0.0..=100.0).contains(&other.stolen_since(one)));
    }
}
