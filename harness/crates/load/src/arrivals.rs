//! When the tasks of a load are due, and which payload each has.

use std::time::Duration;

use hourglass_scenario::MOST_LOAD_TASKS;

/// When the task of this index (from 0) is due at a rate of tasks a second, since the start of the load.
///
/// Each time is computed from the index, not from the one before, so that rounding errors do not add up.
pub fn due(index: u64, rate: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a load has far fewer tasks than an f64 counts exactly")]
    let seconds = index as f64 / rate;
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// How many tasks are due at a rate: those whose time is before the end of `duration`, at most `tasks`. `None` if neither
/// bounds their number.
pub fn planned(rate: f64, tasks: Option<u64>, duration: Option<Duration>) -> Option<u64> {
    let by_time = duration.map(|duration| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the product is not negative, and the cast saturates"
        )]
        let at_least = (duration.as_secs_f64() * rate).floor() as u64;
        // The product may be a little off: the time of the task itself decides.
        let mut near = at_least.saturating_sub(1)..=at_least.saturating_add(1);
        near.find(|index| due(*index, rate) >= duration).unwrap_or(at_least)
    });
    match (tasks, by_time) {
        (Some(tasks), Some(by_time)) => Some(tasks.min(by_time)),
        (tasks, by_time) => tasks.or(by_time),
    }
}

/// The entries with these weights in the order of their turns; after the last, the turns begin again. No load has more tasks
/// than there are turns at most.
pub fn turns(weights: impl IntoIterator<Item = u32>) -> Vec<usize> {
    let weights: Vec<_> = weights.into_iter().collect();
    let round: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut turns = Turns::new(weights);
    (0..round.clamp(1, MOST_LOAD_TASKS.into())).map(|_| turns.next_index()).collect()
}

/// Chooses among weighted entries in a fixed order: after each sum of the weights, every entry was chosen as often as its
/// weight says, and its turns are spread evenly (smooth weighted round robin).
#[derive(Debug, Clone)]
struct Turns {
    weights: Vec<i64>,
    credits: Vec<i64>,
}

impl Turns {
    /// For entries with these weights.
    fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let weights: Vec<_> = weights.into_iter().map(i64::from).collect();
        Self { credits: vec![0; weights.len()], weights }
    }

    /// The index of the next entry; 0 if there is only one.
    fn next_index(&mut self) -> usize {
        let total: i64 = self.weights.iter().sum();
        let mut chosen = 0;
        for (index, weight) in self.weights.iter().enumerate() {
            self.credits[index] += weight;
            if self.credits[index] > self.credits[chosen] {
                chosen = index;
            }
        }
        if let Some(credit) = self.credits.get_mut(chosen) {
            *credit -= total;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case(0, 50.0, Duration::ZERO)]
    #[case(1, 50.0, Duration::from_millis(20))]
    #[case(500, 50.0, Duration::from_secs(10))]
    #[case(3, 0.5, Duration::from_secs(6))]
    #[case(90_000, 3.0, Duration::from_mins(500))]
    fn a_task_is_due_at_its_place_in_the_rate(#[case] index: u64, #[case] rate: f64, #[case] at: Duration) {
        assert_eq!(due(index, rate), at);
    }

    /// A task that is due at the very end of the duration is not created any more.
    #[rstest::rstest]
    #[case::by_duration(50.0, None, Some(Duration::from_secs(10)), Some(500))]
    #[case::by_tasks(50.0, Some(20), Some(Duration::from_secs(10)), Some(20))]
    #[case::duration_is_shorter(50.0, Some(20_000), Some(Duration::from_secs(10)), Some(500))]
    #[case::only_tasks(50.0, Some(7), None, Some(7))]
    #[case::part_of_a_second(3.0, None, Some(Duration::from_millis(1_001)), Some(4))]
    #[case::slower_than_the_duration(0.1, None, Some(Duration::from_secs(1)), Some(1))]
    #[case::nothing_bounds_it(50.0, None, None, None)]
    fn the_number_of_tasks_follows_from_rate_and_duration(
        #[case] rate: f64,
        #[case] tasks: Option<u64>,
        #[case] duration: Option<Duration>,
        #[case] number: Option<u64>,
    ) {
        assert_eq!(planned(rate, tasks, duration), number);
    }

    proptest! {
        /// The last task is due before the end, and one more would not be.
        #[test]
        fn the_last_task_is_due_before_the_end(rate in 0.01_f64..5_000.0, milliseconds in 1_u64..60_000) {
            let duration = Duration::from_millis(milliseconds);
            let number = planned(rate, None, Some(duration)).unwrap();
            prop_assert!(number > 0 && due(number - 1, rate) < duration && due(number, rate) >= duration);
        }

        #[test]
        fn every_entry_has_its_share(weights in prop::collection::vec(1_u32..9, 1..6)) {
            let mut turns = Turns::new(weights.clone());
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0; weights.len()];
            for _ in 0..2 * total {
                counts[turns.next_index()] += 1;
            }
            let doubled: Vec<_> = weights.iter().map(|weight| 2 * weight).collect();
            prop_assert_eq!(counts, doubled);
        }
    }

    /// Each sender of a load computes the payload of a task from its index alone.
    #[test]
    fn turns_begin_again_after_a_round() {
        let weights = [5, 1, 3];
        let mut endless = Turns::new(weights);
        let round = turns(weights);
        assert_eq!(round.len(), 9);
        assert!((0..40).all(|index| endless.next_index() == round[index % round.len()]));
        assert_eq!(turns([1]), [0]);
    }

    /// A rare payload comes between the others, not after all of them.
    #[test]
    fn turns_are_spread() {
        let mut turns = Turns::new([3, 1]);
        let chosen: Vec<_> = (0..8).map(|_| turns.next_index()).collect();
        assert_eq!(chosen, [0, 0, 1, 0, 0, 0, 1, 0]);
    }
}
