//! Values of options: numbers and times. What is refused is told in a sentence that says what is taken.

use std::{num::NonZero, ops::RangeInclusive, time::Duration};

/// How many run at once.
pub(super) fn jobs(text: &str) -> Result<NonZero<usize>, String> {
    text.parse().map_err(|_| "it must be a whole number, 1 or more".to_owned())
}

/// A parser of whole numbers in this range.
pub(super) fn whole<N: TryFrom<u64> + 'static>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let refused = || format!("it must be a whole number from {} to {}", range.start(), range.end());
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(refused)
    }
}

/// A time that something may take: in no time, nothing can be done.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("it must be longer than zero, for example `10s`".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{error}, for example `10s`")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[rstest::rstest]
    #[case::no_job(&["watch", "--jobs", "0"], "a whole number, 1 or more")]
    #[case::no_number_of_jobs(&["watch", "--jobs", "abc"], "a whole number, 1 or more")]
    #[case::no_run(&["compare", "--runtimes", "docker,docker", "--runs", "0"], "a whole number from 1 to 500")]
    #[case::no_number(&["compare", "--runtimes", "docker,docker", "--seed", "x"], "a whole number from 0 to")]
    #[case::a_fraction(&["load", "--tasks", "1.5"], "a whole number from 1 to")]
    #[case::no_time_to_watch(&["watch", "--trial-timeout", "0s"], "longer than zero")]
    #[case::no_time_to_compare(&["compare", "--runtimes", "docker,docker", "--trial-timeout", "0ms"], "longer than zero")]
    #[case::no_time_for_a_load(&["load", "--trial-timeout", "0s"], "longer than zero")]
    #[case::no_time_to_keep(&["devnet", "--keep", "--keep-for", "0s"], "longer than zero")]
    #[case::no_time_for_a_task(&["task", "call", "x", "--within", "0s"], "longer than zero")]
    #[case::no_unit(&["load", "--trial-timeout", "5"], "for example `10s`")]
    fn a_value_that_is_refused_is_told_in_a_sentence(#[case] words: &[&str], #[case] sentence: &str) {
        let error = Cli::try_parse_from(["harness"].iter().chain(words)).unwrap_err().to_string();
        assert!(error.contains("invalid value '") && error.contains(sentence), "{error}");
    }

    #[rstest::rstest]
    #[case::jobs(&["watch", "--jobs", "2", "--trial-timeout", "5s"])]
    #[case::runs(&["compare", "--runtimes", "docker,docker", "--runs", "500", "--warm-up", "0", "--seed", "7"])]
    #[case::tasks(&["load", "--tasks", "1", "--workers", "1", "--trial-timeout", "1m"])]
    fn other_values_are_taken(#[case] words: &[&str]) {
        Cli::try_parse_from(["harness"].iter().chain(words)).unwrap();
    }
}
