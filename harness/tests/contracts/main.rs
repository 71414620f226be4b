//! The contracts' rules on real Anvil chains.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod calculators;
mod delays;
mod errors;
mod events;
mod fixture;
mod limits;
mod order;
mod permissions;
mod rules;
mod run;
mod stake;
mod tables;
mod tasks;
mod views;
