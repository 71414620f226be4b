//! What a trial that did not pass leaves to its reader, beside the timeline and the logs.
//!
//! What may live here: files of a trial's folder that the runner writes about the trial as a whole. What a runtime knows of
//! its containers or its cluster is in `runtime`; archives of the folder are in `bundle`.

mod again;
mod chains;
mod first_page;
mod last_output;

pub use again::{again, again_with_options, quoted};
pub(crate) use chains::keep_chains;
pub use first_page::{FIRST_PAGE, first_page};
pub use last_output::{LastOutput, last_output};

use hourglass_base::private;

use crate::verdict::TrialReport;

/// The command that repeats a trial of a scenario file.
const COMMAND: &str = "harness run";

/// Writes the first page into the folder of a trial. If there is no space, the folder does without it.
pub(crate) fn write_first_page(report: &TrialReport, has_file: bool) {
    let command = has_file.then(|| again_with_options(report, COMMAND));
    // The trial detects a full disk itself.
    let _ = private::write(&report.directory.join(FIRST_PAGE), first_page(report, command.as_deref()));
}
