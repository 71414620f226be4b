//! The order in which the trials of a comparison run.

use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// How many rounds are balanced together, so that a comparison that ends early is nearly balanced too.
const BLOCK: usize = 4;

/// A seed by chance. It is small enough for programs that read numbers of JSON as floating point.
pub fn random_seed() -> u64 {
    rand::random::<u32>().into()
}

/// The index of the side that comes first in each round, 0 or 1. Of each block of four rounds two begin with each side; of
/// rounds beyond the last whole block as well, if their number is even.
pub fn first_sides(rounds: usize, seed: u64) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order = Vec::with_capacity(rounds);
    while order.len() < rounds {
        let size = BLOCK.min(rounds - order.len());
        // In a block of odd size chance decides which side begins once more.
        let extra = random.random_range(..2_usize);
        let mut block: Vec<_> = (0..size).map(|index| (index + extra) % 2).collect();
        block.shuffle(&mut random);
        order.extend(block);
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the seed is and whenever a comparison ends, each side begins about as often.
        #[test]
        fn the_order_is_balanced(rounds in 0..200_usize, seed: u64) {
            let order = first_sides(rounds, seed);
            prop_assert_eq!(order.len(), rounds);
            let seconds = |order: &[usize]| order.iter().sum::<usize>();
            prop_assert!(seconds(&order).abs_diff(rounds - seconds(&order)) <= 1);
            for end in 0..rounds {
                let second = seconds(&order[..end]);
                prop_assert!(second.abs_diff(end - second) <= 2);
            }
            prop_assert_eq!(order, first_sides(rounds, seed));
        }
    }

    /// An order that is the same every time would be confounded with what happens regularly on the machine.
    #[test]
    fn the_order_depends_on_the_seed() {
        let orders: std::collections::BTreeSet<_> = (0..50).map(|seed| first_sides(30, seed)).collect();
        assert_eq!(orders.len(), 50);
    }
}
