//! A run as JSON, for programs that compare and plot.

use hourglass_base::{ExitStatus, Version};
use hourglass_component::text::safe_json;
use hourglass_runner::{
    parity::Parity,
    verdict::{TrialReport, milliseconds},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ReportError, RunReport, Target, run::Summary};

/// The version of the document. It rises when a part of the document is removed or changes its meaning; not when one is
/// added.
pub const JSON_VERSION: u32 = 1;

/// Writes the run as one JSON document.
pub(super) fn write(target: &Target, run: &RunReport) -> Result<(), ReportError> {
    let text = render(run).map_err(|source| target.unrenderable(source))?;
    target.write(text.as_bytes())
}

/// A run after its end: what `harness run --json FILE` writes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Report of a run")]
pub struct JsonReport<'a> {
    version: Version<JSON_VERSION>,
    /// When the run began, on the wall clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    started: Timestamp,
    /// How long it took; milliseconds in JSON.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    #[schemars(with = "f64")]
    duration: std::time::Duration,
    /// What the run came to.
    outcome: ExitStatus,
    /// The exit code of the command, but for what could not be done after the trials.
    exit_code: u8,
    /// How many trials ended how.
    summary: Summary,
    /// The trials that ended, in the order of their ends.
    trials: &'a [TrialReport],
    /// The names of trials that were announced and never ended.
    not_run: &'a [String],
    /// What the comparisons between runtimes came to.
    parity: &'a [Parity],
}

fn render(run: &RunReport) -> serde_json::Result<String> {
    let outcome = run.exit_status();
    let document = JsonReport {
        version: Version,
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
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::samples;

    #[test]
    fn the_document_has_every_kind_of_verdict() {
        insta::assert_snapshot!(render(&samples::run()).unwrap());
    }

    /// The schema knows every kind of verdict, and every key of each.
    #[test]
    fn the_document_agrees_with_its_schema() {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<JsonReport<'_>>();
        let document = serde_json::from_str(&render(&samples::run()).unwrap()).unwrap();
        if let Err(error) = jsonschema::validate(&schema.into(), &document) {
            panic!("{}: {error}", error.instance_path());
        }
    }
}
