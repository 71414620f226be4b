//! The name of a run: everything that it started has it as a label, and the reaper finds it by the label.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use rand::Rng;
use schemars::JsonSchema;
use serde::Serialize;

/// The environment variable that labels every process of a run; descendants inherit it.
pub const RUN_ID_VARIABLE: &str = "HOURGLASS_RUN_ID";

/// Digits of base 32 in ASCII order, so that names sort by time; letters that look like digits are left out.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Milliseconds since 1970 in nine digits reach the year 3084.
const TIME_DIGITS: usize = 9;
const RANDOM_DIGITS: usize = 8;
/// The first letter, for names that may not begin with a digit (Kubernetes services).
const PREFIX: char = 'r';
/// Leaves room for a suffix within the 63 characters of a DNS label.
const LONGEST: usize = 20;

/// The id of one run: at most 20 lowercase letters, digits and hyphens, later runs sort after earlier ones.
///
/// It begins with a letter and ends with a letter or digit, so it may be part of the name of a container, a network,
/// a namespace or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id from the clock and 40 random bits.
    pub fn generate() -> Self {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        Self::from_parts(now, rand::rng().random())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The variable and its value in the environment of this run's processes.
    ///
    /// ```
    /// # use hourglass_reaper::RunId;
    /// let run = RunId::generate();
    /// let (name, value) = run.label();
    /// std::process::Command::new("anvil").env(name, value);
    /// ```
    pub fn label(&self) -> (&'static str, &str) {
        (RUN_ID_VARIABLE, &self.0)
    }

    /// Its creation time, according to its name; `None` if it was not made by [`RunId::generate`].
    pub fn began(&self) -> Option<Timestamp> {
        let digits = self.0.strip_prefix(PREFIX)?.as_bytes().get(..=TIME_DIGITS)?;
        let (digits, end) = digits.split_at(TIME_DIGITS);
        let value =
            |digit: &u8| DIGITS.iter().position(|known| known == digit).and_then(|index| i64::try_from(index).ok());
        let time = digits.iter().try_fold(0_i64, |time, digit| Some((time << 5) | value(digit)?));
        time.filter(|_| end == b"-").and_then(|time| Timestamp::from_millisecond(time).ok())
    }

    /// Whether [`RunId::generate`] may have made it. Many names of folders are valid ids, `src` for example; those of
    /// runs have a time and a random part.
    pub fn is_generated(&self) -> bool {
        let random = self.0.as_bytes().get(TIME_DIGITS + 2..).unwrap_or_default();
        self.began().is_some() && random.len() == RANDOM_DIGITS && random.iter().all(|digit| DIGITS.contains(digit))
    }

    fn from_parts(milliseconds: u64, random: u64) -> Self {
        let mut text = String::with_capacity(LONGEST);
        text.push(PREFIX);
        push_digits(&mut text, milliseconds, TIME_DIGITS);
        text.push('-');
        push_digits(&mut text, random, RANDOM_DIGITS);
        Self(text)
    }
}

/// Appends the lowest `count` digits of a number, the highest of them first.
fn push_digits(text: &mut String, number: u64, count: usize) {
    for position in (0..count).rev() {
        let [digit, ..] = (number >> (5 * position)).to_le_bytes();
        text.push(char::from(DIGITS[usize::from(digit) % DIGITS.len()]));
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text is not a run id.
#[derive(Debug, thiserror::Error)]
#[error(
    "a run id has 1 to {LONGEST} lowercase letters, digits and hyphens, the first a letter, the last no hyphen: {0:?}"
)]
pub struct InvalidRunId(String);

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        let sound = text.len() <= LONGEST
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-');
        if sound { Ok(Self(text.to_owned())) } else { Err(InvalidRunId(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Listings of runs are sorted by name, and that must be their order in time.
        #[test]
        fn later_ids_sort_after_earlier_ones(time in 0..1_u64 << 44, later in 1..1_u64 << 40, first: u64, second: u64) {
            prop_assert!(RunId::from_parts(time, first) < RunId::from_parts(time + later, second));
        }

        /// The supervisor's command line must accept every id that the harness makes.
        #[test]
        fn generated_ids_are_valid(time: u64, random: u64) {
            let id = RunId::from_parts(time, random);
            prop_assert!(id.is_generated());
            prop_assert_eq!(id.as_str().parse::<RunId>().ok(), Some(id));
        }
    }

    /// `gc` spares young runs, so the time must be read as it was written.
    #[test]
    fn an_id_contains_its_creation_time() {
        assert_eq!(
            RunId::from_parts(1_700_000_000_123, 7).began(),
            Timestamp::from_millisecond(1_700_000_000_123).ok()
        );
        assert_eq!("a-name-of-ones-own".parse::<RunId>().unwrap().began(), None);
    }

    /// `gc` removes the folders of runs, and must not take a folder of the user for one.
    #[test]
    fn names_of_ordinary_folders_are_not_generated() {
        for name in ["src", "docs", "r", "r1m8jw4p9x", "r1m8jw4p9x-", "r1m8jw4p9x-fmbc288", "r1m8jw4p9x-fmbc288o"] {
            assert!(!name.parse::<RunId>().is_ok_and(|id| id.is_generated()), "{name}");
        }
    }

    #[test]
    fn ids_made_in_the_same_millisecond_differ() {
        let ids: BTreeSet<RunId> = (0..1000).map(|_| RunId::generate()).collect();
        assert_eq!(ids.len(), 1000, "two runs with one name would sweep each other");
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::digit_first("0abc")]
    #[case::hyphen_last("abc-")]
    #[case::too_long("abcdefghijklmnopqrstu")]
    #[case::upper_case("Abc")]
    #[case::path("a/../b")]
    fn names_that_no_engine_takes_are_refused(#[case] text: &str) {
        assert!(text.parse::<RunId>().is_err(), "{text:?} was accepted");
    }
}
