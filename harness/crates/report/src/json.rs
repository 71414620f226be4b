//! A run as JSON, for programs that compare and plot.

use hourglass_base::ExitStatus;
use hourglass_component::text::safe_json;
use hourglass_runner::{
    parity::Parity,
    verdict::{TrialReport, milliseconds},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{ReportError, RunReport, Target, run::Summary};

/// The version of the document. Rises when something in it changes its meaning or goes; not when something is added.
pub const JSON_VERSION: u32 = 1;

/// Writes the run as one JSON document.
pub(super) fn write(target: &Target, run: &RunReport) -> Result<(), ReportError> {
    let text = render(run).map_err(|source| target.unrenderable(source))?;
    target.write(text.as_bytes())
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    started: Timestamp,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    duration: std::time::Duration,
    outcome: ExitStatus,
    exit_code: u8,
    /// How many trials ended how.
    summary: Summary,
    trials: &'a [TrialReport],
    not_run: &'a [String],
    parity: &'a [Parity],
}

fn render(run: &RunReport) -> serde_json::Result<String> {
    let outcome = run.exit_status();
    let document = Document {
        version: JSON_VERSION,
        started: run.started,
        duration: run.duration,
        outcome,
        exit_code: outcome.code(),
        summary: run.summary(),
        trials: &run.trials,
        not_run: &run.not_run,
        parity: &run.parity,
    };
    serde_json::to_string_pretty(&safe_json(&document)?).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_document_has_every_kind_of_verdict() {
        insta::assert_snapshot!(render(&samples::run()).unwrap());
    }
}
