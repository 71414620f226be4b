//! SIGKILL of the harness and its process group, at any moment: what a test runner does to a test that takes too long.

use std::{env, thread, time::Duration};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;

use crate::{
    sandbox::{Running, Sandbox},
    wait::eventually,
};

/// Repeats the moments of an earlier run.
const SEED: &str = "CLI_TEST_SEED";
const MOMENTS: u32 = 20;
/// Stand-up, a burst of tasks, and a part of the end.
const LATEST: Duration = Duration::from_millis(2500);
const GONE_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn nothing_is_left_of_a_killed_harness() {
    let seed = env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("moments of the kill: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let sandbox = Sandbox::new();
    // The state of the chains is made once, so that most moments find a trial at work.
    sandbox.run(&["run", "square"]).assert_code(0);
    let mut at_work = 0;
    for round in 0..MOMENTS {
        let moment = random.random_range(Duration::ZERO..LATEST);
        let harness = Running::start(&mut sandbox.harness(&["run", "burst"]));
        // No event to wait for: the kill shall hit whatever the harness happens to be doing.
        thread::sleep(moment);
        at_work += usize::from(sandbox.processes().len() > 1);
        harness.signal_group(Signal::KILL);
        drop(harness);
        let left = eventually(GONE_WITHIN, || {
            let left = (sandbox.processes(), sandbox.run_folders());
            if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(left) }
        });
        assert_eq!(left, Ok(()), "left after the kill of round {round}, {moment:?} into it, {SEED}={seed}");
    }
    assert!(at_work >= 10, "only {at_work} of {MOMENTS} kills hit a harness with children: the test proves little");
}
