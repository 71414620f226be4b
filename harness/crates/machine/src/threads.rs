//! Threads and their stacks: whether a command can start enough threads, and a stack that no limit makes too small.

use std::{
    fmt, fs, io,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread::{self, Builder},
    time::{Duration, Instant},
};

use hourglass_base::{ComponentHost, processors};
use hourglass_scenario::Trial;
use rustix::process::{Resource, getrlimit};

use crate::limits::{self, of_largest};

/// The stack of each thread that does a command's own work, in bytes: the usual size of a main thread's.
pub const STACK: usize = 8 << 20;
/// The stack of a thread that only waits.
const SMALL_STACK: usize = 64 << 10;
/// At most this many threads are started as a test.
const MOST: usize = 2_048;
/// How long ended threads may still be counted.
const GONE_WITHIN: Duration = Duration::from_secs(1);
/// The longest pause between two checks for them.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The system lets this user start fewer threads than are needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {purpose}: {needed} more threads and processes are needed at least, and {had} could be started{}", Limit(*.limit))]
pub struct TooFewThreads {
    /// What they are needed for, as `run these trials`.
    pub purpose: &'static str,
    /// How many are needed at least.
    pub needed: usize,
    /// How many could be started.
    pub had: usize,
    /// How many this user may have at once, if that is limited.
    pub limit: Option<u64>,
}

impl TooFewThreads {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        "raise the limit of processes and threads (`ulimit -u`, `pids.max` of the control group), end programs of this user, or \
         run fewer trials at once with --jobs"
    }
}

struct Limit(Option<u64>);

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(limit) => write!(formatter, "; this user may have {limit} at once"),
            None => Ok(()),
        }
    }
}

/// Does the work on a thread whose stack has the size [`STACK`], whatever the limit of the main thread's stack. Fails
/// if that thread cannot be started; the work is not begun then.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = Builder::new().name("command".to_owned()).stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Raises the limit of stacks, which children inherit, as far as allowed, at most to [`STACK`].
pub fn raise_stack() {
    limits::raise(Resource::Stack, u64::try_from(STACK).unwrap_or(u64::MAX));
}

/// Checks that the system lets as many more threads start as these trials need, of which `jobs` run at once.
pub fn enough_for(trials: &[Trial], jobs: usize) -> Result<(), TooFewThreads> {
    let needs: Vec<_> = trials.iter().map(|trial| need_of(trial, processors())).collect();
    enough("run these trials", together(needs, jobs))
}

/// Checks that the system lets this many more threads start. The answer holds for now: other programs of this user
/// start some as well.
pub fn enough(purpose: &'static str, needed: usize) -> Result<(), TooFewThreads> {
    let had = started(needed.min(MOST));
    if had >= needed.min(MOST) {
        return Ok(());
    }
    Err(TooFewThreads { purpose, needed, had, limit: getrlimit(Resource::Nproc).current })
}

/// The sum of the needs of the largest trials that run at once.
fn together(needs: Vec<usize>, jobs: usize) -> usize {
    // The harness's own, besides its scheduler's: those that listen and watch, and those that wait for the system.
    4 + of_largest(needs, jobs)
}

/// As measured: each process has as many threads as there are processors, its main thread, one of its own work, and two
/// that wait for the system. Engines and clusters have limits of their own.
fn need_of(trial: &Trial, processors: usize) -> usize {
    let process = processors + 4;
    // Chains, aggregator, and an executor for each operator with a performer for each of its AVSs; and the supervisor.
    let topology = &trial.scenario.topology;
    let processes = 3 + topology.operator_names().len() + topology.performers().count();
    2 + if trial.runtime.capabilities().host == ComponentHost::Harness { processes * process } else { 0 }
}

/// How many of this many threads can exist at once. Only starting them accounts for all limits of users and control
/// groups, and for those exempt from them.
fn started(count: usize) -> usize {
    let before = threads();
    let gate = Mutex::new(());
    let started = thread::scope(|scope| {
        let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
        let start = |_| Builder::new().stack_size(SMALL_STACK).spawn_scoped(scope, wait).ok();
        let threads: Vec<_> = (0..count).map_while(start).collect();
        drop(closed);
        let started = threads.len();
        for thread in threads {
            // It cannot panic.
            let _ = thread.join();
        }
        started
    });
    // The system counts a thread for a moment after its end, and no event tells when that is over.
    let deadline = Instant::now() + GONE_WITHIN;
    let mut pause = Duration::from_micros(100);
    while threads() > before && Instant::now() < deadline {
        thread::sleep(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
    started
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_concurrent_trials_count() {
        assert_eq!(together(vec![10, 30, 20], 2), 54);
        assert_eq!(together(vec![10], 8), 14);
    }

    #[test]
    fn a_limit_is_reported_with_its_number() {
        let error = TooFewThreads { purpose: "run these trials", needed: 30, had: 5, limit: Some(8) };
        insta::assert_snapshot!(
            error,
            @"failed to run these trials: 30 more threads and processes are needed at least, and 5 could be started; this user may have 8 at once"
        );
    }

    #[test]
    fn threads_started_as_a_test_are_gone_afterwards() {
        assert_eq!(started(64), 64);
        assert!(enough("test", 8).is_ok());
    }

    /// Deeper than the stack of test threads, which is two megabytes.
    #[test]
    fn work_has_the_whole_stack() {
        fn deep(depth: usize) -> usize {
            let page = std::hint::black_box([0_u8; 4096]);
            if depth == 0 { page.len() } else { deep(depth - 1) + std::hint::black_box(page.len()) }
        }
        assert_eq!(on_large_stack(|| deep(1000)).unwrap(), 1001 * 4096);
    }
}
