//! The time since a moment, which may be in the future: the clocks of nodes, API server and operator differ.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// How long ago `began` was; zero if it is later than `now`.
pub(crate) fn age(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::past(7, 3)]
    #[case::now(10, 0)]
    #[case::ahead(11, 0)]
    fn ages_are_never_negative(#[case] began: i64, #[case] seconds: u64) {
        let [began, now] = [began, 10].map(|second| Timestamp::from_second(second).unwrap());
        assert_eq!(age(began, now), Duration::from_secs(seconds));
    }
}
