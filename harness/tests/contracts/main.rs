//! The contracts' rules on real Anvil chains.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod errors;
mod fixture;
mod limits;
mod order;
mod run;
mod tables;
mod tasks;
mod views;
