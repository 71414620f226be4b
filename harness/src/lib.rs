//! The harness as a library: scenario → trial → environment → timeline → verdict → report.

pub mod cli;
pub mod scenario;
