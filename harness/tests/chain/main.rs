//! The harness's chains on real Anvil: processes, chain time, prepared states, heads, histories, transactions.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod avss;
mod batches;
mod child;
mod deploy_scripts;
mod heads;
mod history;
mod load_worker;
mod process;
mod replacements;
mod restarts;
mod state;
mod time;
mod transactions;
mod user_contracts;
