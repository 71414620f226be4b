//! Mutated input from outside: no reader of it may panic, take long or use much memory.
//!
//! One file for each target. Each reads the files of its folder in `corpus` and mutates them, as tests for seconds and
//! in the nightly run for as long as `HARNESS_FUZZ_SECONDS` says. A failure prints its seed: `BOLERO_RANDOM_SEED=…
//! cargo test --test fuzz` repeats it, and the printed input should be added to the corpus.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod certificate;
mod log;
mod message;
mod mutate;
mod scenario;
mod text;
