//! Payloads and results of the greatest allowed size, and larger ones.

use std::time::Instant;

use hourglass_proto::limits::MAX_RESULT;
use hourglass_test_support::Sandbox;

use crate::HARNESS;

/// A power of sixteen whose square, with its prefix and an even number of digits, has this size.
fn steps(result: usize) -> String {
    let payload = format!("1{}", "0".repeat((result - 4) / 2));
    format!("steps:\n  - create_task: {{payload: \"{payload}\"}}\n  - expect_verified: {{within: 60s}}\n")
}

/// An allowed size must work on chains, connections and in logs, not only in the checks.
#[test]
fn the_largest_result_is_verified() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run_file(&sandbox.scenario("largest", &steps(MAX_RESULT - 1)));
    outcome.assert_code(0).assert_shows(&["PASS  process::largest"]);
    sandbox.assert_nothing_left();
}

/// A result that is too large is reported with its size at once, not when its time is over.
#[test]
fn a_larger_result_fails_at_once_with_its_size() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("larger", &steps(MAX_RESULT + 1));
    let started = Instant::now();
    let outcome = sandbox.run_file(&path);
    outcome.assert_code(1).assert_shows(&["1572864 bytes: at most 1572863 are allowed"]);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert!(outcome.stdout.len() < 10_000, "{} bytes are shown", outcome.stdout.len());
}
