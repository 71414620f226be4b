//! The harness as a library: scenario → trial → environment → timeline → verdict → report.

mod age;
pub mod cache;
pub mod chain;
pub mod child;
pub mod cli;
pub mod cluster;
pub mod engine;
pub mod image;
pub mod machine;
mod private;
pub mod reaper;
pub mod report;
pub mod runner;
pub mod runtime;
pub mod scenario;
pub mod timeline;
