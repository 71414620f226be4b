//! Limits of the system: raised as far as allowed, and what concurrent trials need of them.

use std::{cmp::Reverse, iter::Sum};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises a limit of this process, which its children inherit, as far as allowed, at most to `most`. If that is refused
/// the limit stays: code that needs more reports it.
pub(crate) fn raise(resource: Resource, most: u64) {
    let Rlimit { current, maximum } = getrlimit(resource);
    let wanted = maximum.map_or(most, |maximum| maximum.min(most));
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(resource, Rlimit { current: Some(wanted), maximum });
    }
}

/// The sum of the needs of the largest trials that run at once.
pub(crate) fn of_largest<N: Ord + Copy + Sum>(mut needs: Vec<N>, jobs: usize) -> N {
    needs.sort_by_key(|need| Reverse(*need));
    needs.into_iter().take(jobs).sum()
}
