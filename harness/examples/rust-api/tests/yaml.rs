//! The scenarios of `tests/scenarios`, one test for each scenario and runtime.

hourglass_harness::scenarios!("tests/scenarios");
