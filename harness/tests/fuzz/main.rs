//! Input of others, bent in every way: nothing that reads it may panic, take long or take much memory.
//!
//! A file a target. Each reads the files of its folder in `corpus` and bends them, as tests for seconds and in the nightly
//! run for as long as `HARNESS_FUZZ_SECONDS` says. A failure prints its seed: `BOLERO_RANDOM_SEED=… cargo test --test fuzz`
//! repeats it, and the input it prints belongs into the corpus.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod bend;
mod certificate;
mod log;
mod message;
mod scenario;
mod text;
