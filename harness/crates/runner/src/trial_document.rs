//! The report of a trial as a file in the trial's folder, and reading it back.

use std::{io, path::Path};

use hourglass_base::{DocumentKind, StoredError, Version, private};
use hourglass_component::text::safe_json;
use schemars::JsonSchema;
use serde::Serialize;

use super::verdict::TrialReport;

/// The file in the folder of a kept trial.
pub const TRIAL_REPORT_FILE: &str = "trial.json";
/// The kind of its contents.
pub const TRIAL_REPORT_KIND: DocumentKind = DocumentKind {
    name: "report of a trial",
    version: 1,
    keys: &["trial", "verdict", "directory"],
    remedy: "name the file trial.json in the folder of a kept trial",
};

/// A trial after its end: `trial.json` in the folder of a kept trial.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Report of a trial")]
pub struct TrialDocument<'a> {
    version: Version<1>,
    #[serde(flatten)]
    report: &'a TrialReport,
}

impl<'a> TrialDocument<'a> {
    /// The document of this report.
    pub fn of(report: &'a TrialReport) -> Self {
        Self { version: Version, report }
    }

    /// Its text, with a newline at its end; texts of others in it are safe to show.
    pub fn render(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&safe_json(self)?).map(|text| text + "\n")
    }
}

/// Writes the report into the trial's folder. On failure, no partial file stays.
pub fn write_trial_report(folder: &Path, report: &TrialReport) -> io::Result<()> {
    private::write(&folder.join(TRIAL_REPORT_FILE), TrialDocument::of(report).render()?)
}

/// The report in a file that [`write_trial_report`] wrote, without the entries of the timeline, which are in a file of
/// their own.
pub fn read_trial_report(path: &Path) -> Result<TrialReport, StoredError> {
    TRIAL_REPORT_KIND.parse(path, 1, &DocumentKind::text_of(path)?)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

    use hourglass_timeline::{TaskPhases, Trace};
    use jiff::Timestamp;

    use super::*;
    use crate::verdict::{ComponentUsage, Phase, StepOutcome, StepReport, TaskGas, TaskReport, Verdict, Violation};

    fn report(verdict: Verdict) -> TrialReport {
        let step = |outcome: StepOutcome, began: Option<u64>| StepReport {
            title: "expect_verified (the square)".to_owned(),
            place: "scenarios/square.yaml:12".to_owned(),
            line: 12,
            outcome,
            began: began.map(Duration::from_micros),
            duration: began.map(|began| Duration::from_micros(3 * began + 1)),
        };
        TrialReport {
            trial: "process::square".to_owned(),
            scenario: "scenarios/square.yaml".into(),
            runtime: "process".to_owned(),
            started: "2026-03-01T12:00:00.25Z".parse().unwrap(),
            duration: Duration::from_micros(1_234_567),
            phases: vec![Phase { name: "steps".to_owned(), duration: Duration::from_micros(33_333) }],
            verdict,
            steps: vec![
                step(StepOutcome::Done, Some(31_249)),
                step(StepOutcome::NotEnded, Some(1)),
                step(StepOutcome::CouldNotBeDone, Some(0)),
                step(StepOutcome::Failed, Some(86_400_000_001)),
                step(StepOutcome::NotBegun, None),
            ],
            tasks: vec![TaskReport {
                avs: None,
                alias: "square".to_owned(),
                hash: format!("0x{}", "ab".repeat(32)),
                chain: "l2".to_owned(),
                status: "VERIFIED".to_owned(),
                phases: TaskPhases { created: Some(0.0), verified: Some(31.918_273), ..TaskPhases::default() },
                gas: TaskGas { created: Some(180_000), verified: None },
            }],
            usage: vec![ComponentUsage {
                component: "aggregator".to_owned(),
                cpu_seconds: Some(0.12),
                peak_memory_bytes: None,
            }],
            directory: "/runs/r1".into(),
            kept: true,
            trace: Trace::default(),
            events: Arc::default(),
            running: BTreeMap::from([("l1".to_owned(), "http://127.0.0.1:1".to_owned())]),
            options: Arc::default(),
        }
    }

    fn verdicts() -> Vec<Verdict> {
        let violation = |place: Option<&str>| Violation {
            what: "expect_verified".to_owned(),
            place: place.map(str::to_owned),
            expected: "0x10".to_owned(),
            seen: "0x11\nsigned by alice".to_owned(),
            task: place.map(str::to_owned),
            timeline: vec!["0.0 ms l2 TaskCreated".to_owned()],
        };
        let failed = |remedy: Option<&str>| Verdict::EnvironmentFailed {
            error: "failed to start chain l1".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        vec![
            Verdict::Passed,
            Verdict::Failed { violations: vec![violation(Some("a.yaml:1")), violation(None)] },
            failed(Some("install Anvil")),
            failed(None),
            Verdict::Skipped { reason: "no nodes".to_owned() },
            Verdict::Interrupted,
        ]
    }

    #[test]
    fn a_report_of_each_verdict_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TRIAL_REPORT_FILE);
        for verdict in verdicts() {
            let report = report(verdict);
            write_trial_report(folder.path(), &report).unwrap();
            assert_eq!(read_trial_report(&path).unwrap(), report);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn keys_that_are_left_out_are_empty_after_reading() {
        let folder = tempfile::tempdir().unwrap();
        let report = TrialReport { usage: vec![], running: BTreeMap::new(), ..report(Verdict::Passed) };
        write_trial_report(folder.path(), &report).unwrap();
        assert_eq!(read_trial_report(&folder.path().join(TRIAL_REPORT_FILE)).unwrap(), report);
    }

    /// A name with control characters must not reach a terminal through the file.
    #[test]
    fn texts_of_others_are_safe_to_show() {
        let mut report = report(Verdict::Passed);
        report.trial = "process::a\u{1b}[2J\u{202e}".to_owned();
        let text = TrialDocument::of(&report).render().unwrap();
        assert!(!text.contains(hourglass_component::text::is_harmful), "{text}");
    }

    #[test]
    fn a_duration_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = TrialDocument::of(&report(Verdict::Passed)).render().unwrap();
        let path = folder.path().join("t");
        fs::write(&path, text.replace("1234.567", "-1.0")).unwrap();
        let error = read_trial_report(&path).unwrap_err();
        assert!(matches!(error, StoredError::Invalid { .. }), "{error}");
    }

    #[test]
    fn the_wall_clock_is_kept_to_the_nanosecond() {
        let folder = tempfile::tempdir().unwrap();
        let report =
            TrialReport { started: Timestamp::new(1_700_000_000, 123_456_789).unwrap(), ..report(Verdict::Passed) };
        write_trial_report(folder.path(), &report).unwrap();
        assert_eq!(read_trial_report(&folder.path().join(TRIAL_REPORT_FILE)).unwrap().started, report.started);
    }
}
