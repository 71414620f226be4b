//! The built `harness` command and the scenario test target, run from outside as users, shells and CI run them.
//!
//! Every test has its own folders for trials; states of chains are made once and shared by all.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod access;
#[path = "../support/archive.rs"]
mod archive;
mod blame;
mod bundles;
mod clusters;
mod commands;
mod compare;
mod components;
mod devnet;
mod ends;
mod escaped_daemons;
mod exit_codes;
mod fault_pages;
mod faults;
mod fixed_ports;
mod github;
mod hostile;
#[path = "../support/http_proxy.rs"]
mod http_proxy;
mod init;
mod interrupt;
mod json_rpc;
mod keep;
mod load;
mod performer_files;
mod proofs;
mod records;
mod reports;
mod requests;
mod runner;
mod samples;
mod schemas;
mod selection;
mod show;
mod sizes;
mod stopped_processes;
mod target;
mod unusual_machines;
mod usage;
mod watch;

/// The command under test.
const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
