//! The reports of a run for people and tools: the terminal while it runs, JUnit, JSON, HTML and Markdown afterwards, traces
//! for Perfetto, and what GitHub Actions shows. Reports read verdicts; they judge nothing and touch no environment.

mod block;
mod chrome_trace;
mod colour;
mod details;
mod event;
mod file;
mod github;
mod html;
mod json;
mod junit;
mod load_progress;
mod markdown;
mod progress;
mod records;
mod run;
#[cfg(test)]
mod samples;
mod target;
mod terminal;

pub use block::{failure_text, failure_text_with, parity_text};
pub use chrome_trace::chrome_trace;
pub use colour::takes_colour;
pub use details::{run_text, trial_text};
pub use event::{Reporter, follow};
pub use file::{ReportError, ReportPaths, Reports};
pub use github::GitHub;
pub use hourglass_runner::RunEvent;
pub use html::{html, write_comparison, write_load};
pub use json::{JSON_VERSION, JsonReport, RUN_REPORT_KIND, read_run_report, render as run_report_json};
pub use load_progress::LoadProgress;
pub use markdown::{MARKDOWN_LIMIT, markdown};
pub use records::{RECORDS_VARIABLE, RecordsError, start as start_records};
pub use run::RunReport;
pub use target::Target;
pub use terminal::{Terminal, TerminalOptions};
