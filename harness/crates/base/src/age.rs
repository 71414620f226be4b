//! The time since a moment that may be in the future: clocks are set back, those of other machines differ, and the
//! moment in a run id is rounded to milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// How long ago `began` was; zero if it is later than `now`.
///
/// All ages are computed here. A failed conversion of a negative age is easily taken for a great age, and old entries
/// are removed.
pub fn age(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::past(7, 3_000)]
    #[case::now(10, 0)]
    #[case::ahead(11, 0)]
    #[case::first_moment(Timestamp::MIN.as_second(), 377_705_023_211_000)]
    #[case::last_moment(Timestamp::MAX.as_second(), 0)]
    fn ages_are_never_negative(#[case] began: i64, #[case] milliseconds: u64) {
        let [began, now] = [began, 10].map(|second| Timestamp::from_second(second).unwrap());
        assert_eq!(age(began, now), Duration::from_millis(milliseconds));
    }
}
