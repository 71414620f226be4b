//! How far the clock of a worker is ahead of the harness's: workers may run on other machines.

use jiff::{SignedDuration, Timestamp};

/// A question for a worker's time: when it was asked, what the worker answered, and when the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// When it was asked, on the clock of the harness.
    pub asked: Timestamp,
    /// The time on the worker's clock.
    pub answer: Timestamp,
    /// When the answer came, on the clock of the harness.
    pub answered: Timestamp,
}

/// How far a worker's clock is ahead of the harness's, by the question that was answered fastest; negative if it is behind.
///
/// The answer was given at some moment between the question and its receipt. If that leaves open that the clocks agree, they
/// are taken to agree, because those of one machine do.
pub fn ahead(questions: &[Question]) -> SignedDuration {
    let took = |question: &Question| question.answered.duration_since(question.asked);
    let Some(fastest) = questions.iter().min_by_key(|question| took(question)) else { return SignedDuration::ZERO };
    let half = took(fastest) / 2;
    let ahead = fastest.answer.duration_since(fastest.asked) - half;
    if ahead.abs() <= half { SignedDuration::ZERO } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked at zero; milliseconds until the answer was given and until it came.
    fn question(ahead: i64, given: i64, came: i64) -> Question {
        let asked: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let answer = asked + SignedDuration::from_millis(ahead + given);
        Question { asked, answer, answered: asked + SignedDuration::from_millis(came) }
    }

    #[rstest::rstest]
    #[case::ahead(5_000, 5_000)]
    #[case::behind(-800, -800)]
    #[case::the_same(0, 0)]
    #[case::not_told_apart(2, 0)]
    fn the_fastest_answer_tells_the_difference(#[case] ahead_by: i64, #[case] found: i64) {
        // The slow answer waited on its way back.
        let questions = [question(ahead_by, 1, 400), question(ahead_by, 3, 6)];
        assert_eq!(ahead(&questions), SignedDuration::from_millis(found));
    }

    #[test]
    fn without_an_answer_clocks_are_taken_to_agree() {
        assert_eq!(ahead(&[]), SignedDuration::ZERO);
    }
}
