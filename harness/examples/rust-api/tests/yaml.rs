//! The scenarios of `tests/scenarios`, one test each and runtime.

hourglass_harness::scenarios!("tests/scenarios");
