//! The harness as a library: scenario → trial → environment → timeline → verdict → report.

pub mod cli;

pub use hourglass_base::cache;
pub use hourglass_chain as chain;
pub use hourglass_child as child;
pub use hourglass_cluster as cluster;
pub use hourglass_engine as engine;
pub use hourglass_image as image;
pub use hourglass_machine as machine;
pub use hourglass_reaper as reaper;
pub use hourglass_report as report;
pub use hourglass_runner as runner;
pub use hourglass_runtime as runtime;
pub use hourglass_scenario as scenario;
pub use hourglass_timeline as timeline;
