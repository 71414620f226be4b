//! What people and tools get to see of a run: the terminal while it runs, JUnit and JSON afterwards.
//! Reports read verdicts; they judge nothing and touch no environment.

mod block;
mod event;
mod file;
mod json;
mod junit;
mod progress;
mod run;
#[cfg(test)]
mod samples;
mod terminal;

pub use block::{failure_text, parity_text};
pub use event::{Reporter, RunEvent, follow};
pub use file::ReportError;
pub use json::{JSON_VERSION, write_json};
pub use junit::write_junit;
pub use run::RunReport;
pub use terminal::{Terminal, TerminalOptions};
