//! The harness as a library: scenario → trial → environment → timeline → verdict → report.

pub mod chain;
pub mod child;
pub mod cli;
pub mod cluster;
pub mod image;
pub mod machine;
pub mod reaper;
pub mod report;
pub mod runner;
pub mod runtime;

pub use hourglass_base::cache;
pub use hourglass_engine as engine;
pub use hourglass_scenario as scenario;
pub use hourglass_timeline as timeline;
