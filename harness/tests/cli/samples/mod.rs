//! The samples of README.md, CONTRIBUTING.md and the other documents: command lines parse, scenarios have no problems, and
//! output is what the command writes today.
//!
//! What may live here: checks of documents that start nothing, or processes only. Samples of Rust are documentation tests of
//! the library.

mod commands;
mod markdown;
mod outputs;
mod references;
mod scenarios;
