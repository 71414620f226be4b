//! A run as JSON, for programs that compare and plot.

use std::{path::Path, time::Duration};

use hourglass_base::{DocumentKind, ExitStatus, StoredError, Version};
use hourglass_component::text::safe_json;
use hourglass_runner::{durations, parity::Parity, verdict::TrialReport};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReportError, RunReport, Target, run::Summary};

/// The version of the document. It rises when a part of the document is removed or changes its meaning; not when one is
/// added.
pub const JSON_VERSION: u32 = 1;

/// The kind of this document.
pub const RUN_REPORT_KIND: DocumentKind = DocumentKind {
    name: "report of a run",
    version: JSON_VERSION,
    keys: &["started", "trials", "not_run"],
    remedy: "name a file that `harness run --json FILE` wrote",
};

/// The report in a file that `harness run --json FILE` wrote, without the entries of the trials' timelines.
pub fn read_run_report(path: &Path) -> Result<RunReport, StoredError> {
    let stored: StoredRun = RUN_REPORT_KIND.parse(path, 1, &DocumentKind::text_of(path)?)?;
    let StoredRun { started, duration, outcome, trials, not_run, stopped_by, parity } = stored;
    let report = RunReport { started, duration, trials, not_run, stopped_by, parity, not_begun: None };
    // The status of a run that started no trial is not that of its trials.
    let not_begun = (report.exit_status() != outcome).then_some(outcome);
    Ok(RunReport { not_begun, ..report })
}

/// The parts of the document that are not computed from others.
#[derive(Deserialize)]
struct StoredRun {
    started: Timestamp,
    #[serde(rename = "duration_ms", with = "durations")]
    duration: Duration,
    outcome: ExitStatus,
    trials: Vec<TrialReport>,
    not_run: Vec<String>,
    #[serde(default)]
    stopped_by: Option<String>,
    parity: Vec<Parity>,
}

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
    #[serde(rename = "duration_ms", with = "durations")]
    #[schemars(with = "f64")]
    duration: Duration,
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
    /// The trial whose failure ended the run before all trials had started (`--fail-fast`); absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_by: Option<&'a str>,
    /// What the comparisons between runtimes came to.
    parity: &'a [Parity],
}

/// The text of the document, with a newline at its end.
pub fn render(run: &RunReport) -> serde_json::Result<String> {
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
        stopped_by: run.stopped_by.as_deref(),
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

    #[test]
    fn a_written_report_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let not_begun = Some(ExitStatus::Usage);
        let stopped = RunReport { stopped_by: Some(samples::failed().trial), ..samples::run() };
        for run in [samples::run(), RunReport::default(), RunReport { not_begun, ..samples::run() }, stopped] {
            write(&Target::prepare(&path).unwrap(), &run).unwrap();
            assert_eq!(read_run_report(&path).unwrap(), run);
        }
    }

    #[test]
    fn a_report_of_another_version_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let text = render(&samples::run()).unwrap();
        std::fs::write(&path, text.replacen("\"version\": 1", "\"version\": 2", 1)).unwrap();
        let error = read_run_report(&path).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("line 2: version 2 of a report of a run is unknown; this harness reads version 1"),
            "{error}"
        );
        assert!(error.remedy().is_some());
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
