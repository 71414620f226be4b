//! The reports of a run for people and tools: the terminal while it runs, JUnit and JSON afterwards. Reports read
//! verdicts; they judge nothing and touch no environment.

mod block;
mod colour;
mod event;
mod file;
mod json;
mod junit;
mod progress;
mod records;
mod run;
#[cfg(test)]
mod samples;
mod target;
mod terminal;

pub use block::{failure_text, failure_text_with, parity_text};
pub use colour::takes_colour;
pub use event::{Reporter, follow};
pub use file::{ReportError, Reports};
pub use hourglass_runner::RunEvent;
pub use json::{JSON_VERSION, JsonReport};
pub use records::{RECORDS_VARIABLE, RecordsError, start as start_records};
pub use run::RunReport;
pub use target::Target;
pub use terminal::{Terminal, TerminalOptions};
