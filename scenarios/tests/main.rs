//! The scenarios of this folder as tests; `hourglass_harness::scenario_tests` describes the tests of each.

hourglass_harness::scenarios!("../scenarios", |tests| tests
    .executable(env!("CARGO_BIN_EXE_harness"))
    .run_again_with("cargo run -- run")
    .prove_parity_with("environment"));
