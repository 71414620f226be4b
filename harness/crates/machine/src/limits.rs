//! Limits of the system: raised to what is allowed, and what trials need of them together.

use std::{cmp::Reverse, iter::Sum};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises a limit of this process, which its children inherit, to what it is allowed to, at most `most`. Where that is
/// refused it stays: what needs more says so.
pub(crate) fn raise(resource: Resource, most: u64) {
    let Rlimit { current, maximum } = getrlimit(resource);
    let wanted = maximum.map_or(most, |maximum| maximum.min(most));
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(resource, Rlimit { current: Some(wanted), maximum });
    }
}

/// What the largest of the trials that run at once need together.
pub(crate) fn of_largest<N: Ord + Copy + Sum>(mut needs: Vec<N>, jobs: usize) -> N {
    needs.sort_by_key(|need| Reverse(*need));
    needs.into_iter().take(jobs).sum()
}
