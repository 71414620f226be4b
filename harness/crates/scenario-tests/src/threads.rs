//! How many tests run at once, for tests that wait more than they compute: for containers, probes, blocks, and faults.

use hourglass_base::processors;

/// Three on two processors, where libtest would run two.
pub fn of_waiting_tests() -> usize {
    let processors = processors();
    processors + processors.div_ceil(2)
}
