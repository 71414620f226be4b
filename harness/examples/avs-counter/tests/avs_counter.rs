//! The scenarios of the project, one test for each scenario and runtime.

hourglass_harness::scenarios!("scenarios");
